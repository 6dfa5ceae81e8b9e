import type { History as HistoryReport } from '../http/api/schemas/stream';

/** Ten minutes. */
const VALUES = 120;
/** Not a number: there was no measurement. */
const NONE = NaN;

/** Bitrate, frame rate and keyframe interval of the last ten minutes, one value each per sample. */
export class History {
  readonly #stepSeconds: number;
  readonly #bitrates = new Float32Array(VALUES);
  readonly #frameRates = new Float32Array(VALUES);
  readonly #keyframeIntervals = new Float32Array(VALUES);
  #count = 0;
  #until = 0;

  constructor(stepSeconds: number) {
    this.#stepSeconds = stepSeconds;
  }

  /**
   * Adds the values of a step that ends now; undefined: not measured.
   *
   * @param at milliseconds since the epoch
   */
  add(at: number, bitrateKbps?: number, fps?: number, keyframeIntervalSeconds?: number): void {
    const place = this.#count % VALUES;
    this.#bitrates[place] = bitrateKbps ?? NONE;
    this.#frameRates[place] = fps ?? NONE;
    this.#keyframeIntervals[place] = keyframeIntervalSeconds ?? NONE;
    this.#count += 1;
    this.#until = at;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  report(now: number): HistoryReport {
    return {
      stepSeconds: this.#stepSeconds,
      until: new Date(this.#count === 0 ? now : this.#until).toISOString(),
      bitrateKbps: this.#listed(this.#bitrates, 1),
      fps: this.#listed(this.#frameRates, 10),
      keyframeIntervalSeconds: this.#listed(this.#keyframeIntervals, 100),
    };
  }

  /** The oldest first, rounded to a fraction. */
  #listed(values: Float32Array, fraction: number): (number | null)[] {
    const first = Math.max(0, this.#count - VALUES);
    return Array.from({ length: this.#count - first }, (_, i) => {
      const value = values[(first + i) % VALUES]!;
      return Number.isNaN(value) ? null : Math.round(value * fraction) / fraction;
    });
  }
}
