/** A robust estimate of how fast a measured value grows, per hour. */
export interface Slope {
  /** Theil-Sen: the median of the slopes between all pairs of points. */
  readonly perHour: number;
  /** The 95 % confidence interval of Sen, from the variance of Kendall's S. It takes the points to be independent. */
  readonly low: number;
  readonly high: number;
}

/**
 * `grows`: even the lower end of the interval is above the bound. `steady`: the upper end is within it. `undecided`: the
 * run was too short, or the values too noisy, to tell.
 */
export type Verdict = 'grows' | 'steady' | 'undecided';

export interface Point {
  readonly hours: number;
  readonly value: number;
}

const Z_95 = 1.96;
/** Fewer points decide nothing. */
const LEAST_POINTS = 8;

/** Undefined for fewer than eight points. */
export function slopeOf(points: readonly Point[]): Slope | undefined {
  const count = points.length;
  if (count < LEAST_POINTS) return undefined;
  const slopes: number[] = [];
  for (const [at, one] of points.entries()) {
    for (const other of points.slice(at + 1)) slopes.push((other.value - one.value) / (other.hours - one.hours));
  }
  slopes.sort((a, b) => a - b);
  const spread = Z_95 * Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  const at = (index: number): number => slopes[Math.min(slopes.length - 1, Math.max(0, index))]!;
  const middle = slopes.length >> 1;
  return {
    perHour: slopes.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2,
    low: at(Math.floor((slopes.length - spread) / 2) - 1),
    high: at(Math.ceil((slopes.length + spread) / 2)),
  };
}

export function verdictOn(slope: Slope | undefined, mostPerHour: number): Verdict {
  if (slope === undefined) return 'undecided';
  if (slope.low > mostPerHour) return 'grows';
  return slope.high <= mostPerHour ? 'steady' : 'undecided';
}

/** One point for each stretch of time, from the values in it: noise within a stretch does not count. */
export function binned(points: readonly Point[], binHours: number, of: (values: readonly number[]) => number): Point[] {
  const bins = new Map<number, Point[]>();
  for (const point of points) {
    const bin = Math.floor(point.hours / binHours);
    bins.set(bin, [...(bins.get(bin) ?? []), point]);
  }
  return [...bins.values()].map((inBin) => ({
    hours: inBin.reduce((sum, { hours }) => sum + hours, 0) / inBin.length,
    value: of(inBin.map(({ value }) => value)),
  }));
}
