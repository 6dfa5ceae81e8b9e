import type { EndedStream, PublishAuthorizer, PublishDecision } from './publish-authorizer';

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

  streamEnded({ stopJti }: EndedStream): void {
    if (stopJti !== undefined) this.#stopDelivered(stopJti);
  }

  drain(): Promise<number> {
    return Promise.resolve(0);
  }
}
