import type { MetricName, Metrics, RunResult } from '../metrics';

/** A metric over all runs of one server in one case. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export type MetricSpreads = Partial<Record<MetricName, Spread>>;

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  const median = sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
  return { median, min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN };
}

export function spreadsOf(runs: readonly RunResult[]): MetricSpreads {
  const names = new Set(runs.flatMap(({ metrics }) => Object.keys(metrics) as (keyof Metrics)[]));
  const spreads: MetricSpreads = {};
  for (const name of names) {
    spreads[name] = spreadOf(runs.map(({ metrics }) => metrics[name]).filter((value) => value !== undefined));
  }
  return spreads;
}
