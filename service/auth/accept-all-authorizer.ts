import type { PublishAuthorizer, PublishDecision } from './publish-authorizer';
import type { StopRecord } from './stop-record';

/** Used when no callback is configured: every publisher is accepted, and no stop is sent. */
export class AcceptAllAuthorizer implements PublishAuthorizer {
  /** @param stopDelivered told of each stop, which needs no delivery */
  readonly #stopDelivered: (jti: string) => void;

  constructor(stopDelivered: (jti: string) => void = () => undefined) {
    this.#stopDelivered = stopDelivered;
  }

  screen(): undefined {
    return undefined;
  }

  /** Accepts every start, also one that resumes a stream within the grace time. */
  authorizeStart(): Promise<PublishDecision> {
    return Promise.resolve({ accepted: true, grant: { streamId: '' } });
  }

  streamEnded({ jti }: StopRecord): void {
    this.#stopDelivered(jti);
  }

  drain(): Promise<number> {
    return Promise.resolve(0);
  }
}
