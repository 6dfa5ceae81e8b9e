/**
 * Why a connection to a target ended. `lost`: the network, or the target went away. `refused`: the target said no, or
 * closed the connection where a wrong key makes services do so. `final`: another attempt cannot help.
 */
export type EndKind = 'lost' | 'refused' | 'final';

/** The first pause after a lost connection, and the longest (ms). */
const LOST_MS = 1_000;
const LOST_MAX_MS = 30_000;
/** After the first refusal: the target may have the connection of the node from which the stream has just come. */
const FIRST_REFUSED_MS = 1_000;
/** The same after the next refusals. */
const REFUSED_MS = 5_000;
const REFUSED_MAX_MS = 60_000;
/** After so many refusals in a row, three to six minutes, the target is given up. */
const MAX_REFUSALS = 11;

/** When the next attempt is made: pauses double, and are shortened at random so that targets are not called in unison. */
export class RetryPlan {
  #lost = 0;
  #refused = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** The pause before the next attempt (ms); undefined: none is made. */
  next(kind: EndKind): number | undefined {
    if (kind === 'final') return undefined;
    if (kind === 'lost') {
      this.#lost += 1;
      return this.#jittered(Math.min(LOST_MAX_MS, LOST_MS * 2 ** (this.#lost - 1)));
    }
    this.#refused += 1;
    if (this.#refused >= MAX_REFUSALS) return undefined;
    if (this.#refused === 1) return this.#jittered(FIRST_REFUSED_MS);
    return this.#jittered(Math.min(REFUSED_MAX_MS, REFUSED_MS * 2 ** (this.#refused - 2)));
  }

  /** The target takes the stream. */
  succeeded(): void {
    this.#lost = 0;
    this.#refused = 0;
  }

  #jittered(pauseMs: number): number {
    return Math.round(pauseMs * (0.5 + this.random() / 2));
  }
}
