import type { PublishAuthorizer, PublishDecision } from './publish-authorizer';
import type { DueStops } from './stop-record';

/** Stops that are taken at once from where they are kept. */
const BATCH = 100;

/** Used when no callback is configured: every publisher is accepted, and no stop is sent. */
export class AcceptAllAuthorizer implements PublishAuthorizer {
  readonly #due: DueStops | undefined;

  /** @param due told of each stop that it needs no delivery */
  constructor(due?: DueStops) {
    this.#due = due;
  }

  screen(): undefined {
    return undefined;
  }

  /** Accepts every start, also one that resumes a stream within the grace time. */
  authorizeStart(): Promise<PublishDecision> {
    return Promise.resolve({ accepted: true, grant: { streamId: '' } });
  }

  stopsDue(): void {
    void this.#drop();
  }

  expectStop(): () => void {
    return () => undefined;
  }

  async drain(): Promise<number> {
    await this.#drop();
    return 0;
  }

  async #drop(): Promise<void> {
    for (;;) {
      const stops = (await this.#due?.pull(BATCH)) ?? [];
      for (const { jti } of stops) this.#due?.delivered(jti);
      if (stops.length < BATCH) return;
    }
  }
}
