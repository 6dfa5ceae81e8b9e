import type { EndedStream, PublishAuthorizer, PublishDecision } from './publish-authorizer';

/** Used when no callback is configured: every publisher is accepted, nobody is told of the end. */
export class AcceptAllAuthorizer implements PublishAuthorizer {
  /** @param stopDelivered told of each stop, which needs no delivery */
  readonly #stopDelivered: (jti: string) => void;

  constructor(stopDelivered: (jti: string) => void = () => undefined) {
    this.#stopDelivered = stopDelivered;
  }

  screen(): undefined {
    return undefined;
  }

  /** A stream that comes back within its grace time goes on. */
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
