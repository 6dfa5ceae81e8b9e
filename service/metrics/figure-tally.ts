import { EventLoopDelay } from './event-loop-delay';
import { type CountedFigure, countedFigures } from './node-figures';

/** Most durations kept of one interval: of more, a random sample. */
const MAX_SAMPLES = 100;

/** Counts what happens between two readings of a node's figures. */
export class FigureTally {
  readonly #eventLoop = new EventLoopDelay();
  #counts = noCounts();
  #callbackMs: number[] = [];
  #callbacks = 0;

  count(name: CountedFigure): void {
    this.#counts[name] += 1;
  }

  callbackTook(durationMs: number): void {
    this.#callbacks += 1;
    if (this.#callbackMs.length < MAX_SAMPLES) {
      this.#callbackMs.push(durationMs);
      return;
    }
    const place = Math.floor(Math.random() * this.#callbacks);
    if (place < MAX_SAMPLES) this.#callbackMs[place] = durationMs;
  }

  /** The figures since the last call. The event loop is sampled from the first call on. */
  take(): { counts: Record<CountedFigure, number>; callbackMs: readonly number[]; eventLoopLagMs: number } {
    const taken = {
      counts: this.#counts,
      callbackMs: this.#callbackMs,
      eventLoopLagMs: this.#eventLoop.read().p99 * 1000,
    };
    this.#counts = noCounts();
    this.#callbackMs = [];
    this.#callbacks = 0;
    return taken;
  }

  /** Stops watching the event loop. */
  close(): void {
    this.#eventLoop.stop();
  }
}

function noCounts(): Record<CountedFigure, number> {
  return Object.fromEntries(countedFigures.map((name) => [name, 0])) as Record<CountedFigure, number>;
}
