import type { StreamStats } from '../../hub/stream-stats';
import type { History } from './schemas/stream';

/** How often figures are noted (ms). */
export const STEP_MS = 5_000;
/** Ten minutes. */
const STEPS = 120;
const FIGURES = 3;

/** The figures of one stream over the last ten minutes, in memory of fixed size. */
export class StreamHistory {
  /** Bitrate, frame rate and keyframe interval of each step; the oldest is replaced. */
  readonly #values = new Float32Array(STEPS * FIGURES);
  #noted = 0;
  #notedAt = Date.now();

  /** Notes the present figures; `nowMs` is milliseconds since the epoch. */
  note({ bitrateKbps, frameRate, keyframeIntervalSeconds }: StreamStats, nowMs: number): void {
    const at = (this.#noted % STEPS) * FIGURES;
    this.#values[at] = bitrateKbps;
    this.#values[at + 1] = frameRate;
    this.#values[at + 2] = keyframeIntervalSeconds > 0 ? keyframeIntervalSeconds : NaN;
    this.#noted += 1;
    this.#notedAt = nowMs;
  }

  read(): History {
    return {
      stepSeconds: STEP_MS / 1000,
      until: new Date(this.#notedAt).toISOString(),
      bitrateKbps: this.#column(0),
      fps: this.#column(1),
      keyframeIntervalSeconds: this.#column(2),
    };
  }

  #column(figure: number): (number | null)[] {
    const count = Math.min(this.#noted, STEPS);
    return Array.from({ length: count }, (_, i) => {
      const value = this.#values[((this.#noted - count + i) % STEPS) * FIGURES + figure]!;
      return Number.isNaN(value) ? null : Math.round(value * 1000) / 1000;
    });
  }
}
