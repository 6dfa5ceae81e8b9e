import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** How often the delay is sampled; the histogram's values include this wait itself. */
const RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;

export interface DelaySummary {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * How late the event loop has run timers since the last reading, in seconds. Sampling begins with the first reading, so
 * that an unwatched node does not wake up 50 times a second.
 */
export class EventLoopDelay {
  #histogram: IntervalHistogram | undefined;

  /** Zeros at the first call. */
  read(): DelaySummary {
    const histogram = this.#histogram;
    if (histogram === undefined) {
      this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.#histogram.enable();
      return { p50: 0, p99: 0, max: 0 };
    }
    const summary = {
      p50: lateness(histogram.percentile(50)),
      p99: lateness(histogram.percentile(99)),
      max: lateness(histogram.max),
    };
    histogram.reset();
    return summary;
  }

  stop(): void {
    this.#histogram?.disable();
    this.#histogram = undefined;
  }
}

function lateness(nanoseconds: number): number {
  return Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS / 1000);
}
