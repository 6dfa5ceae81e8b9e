const FINE_LIMIT_MS = 100;
const FINE_PER_MS = 20;
const FINE_BUCKETS = FINE_LIMIT_MS * FINE_PER_MS;
const COARSE_LIMIT_MS = 30_000;

/** Latency percentiles of one kind of message, in milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Counts durations in buckets of 0.05 ms up to 100 ms and of 1 ms above, without allocating. */
export class LatencyHistogram {
  private readonly buckets = new Uint32Array(FINE_BUCKETS + COARSE_LIMIT_MS + 1);
  private count = 0;
  private max = 0;

  static merged(parts: readonly LatencyHistogram[]): LatencyHistogram {
    const sum = new LatencyHistogram();
    for (const part of parts) {
      part.buckets.forEach((count, index) => (sum.buckets[index]! += count));
      sum.count += part.count;
      sum.max = Math.max(sum.max, part.max);
    }
    return sum;
  }

  /** Clocks of two processes agree to some microseconds only: a negative duration counts as none. */
  record(measuredMs: number): void {
    const ms = Math.max(0, measuredMs);
    const index = ms < FINE_LIMIT_MS ? (ms * FINE_PER_MS) | 0 : FINE_BUCKETS + (Math.min(ms, COARSE_LIMIT_MS) | 0);
    this.buckets[index]!++;
    this.count++;
    if (ms > this.max) this.max = ms;
  }

  reset(): void {
    this.buckets.fill(0);
    this.count = 0;
    this.max = 0;
  }

  summary(): LatencySummary {
    return { count: this.count, p50: this.percentile(0.5), p99: this.percentile(0.99), max: this.max };
  }

  /** The smallest bucket border below which `share` of the durations lie; 0 when there are none. */
  percentile(share: number): number {
    let left = Math.ceil(this.count * share);
    if (left === 0) return 0;
    for (let index = 0; index < this.buckets.length; index++) {
      left -= this.buckets[index]!;
      if (left <= 0) return index < FINE_BUCKETS ? (index + 1) / FINE_PER_MS : index - FINE_BUCKETS;
    }
    return COARSE_LIMIT_MS;
  }
}
