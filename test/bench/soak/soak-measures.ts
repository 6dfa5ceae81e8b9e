import { spreadOf } from '../report/statistics';
import type { Point } from './slope';
import type { ProbeSample } from './probe';
import type { SoakResult, Stretch } from './soak-run';

/** A value that must not grow. */
export interface Measure {
  readonly name: string;
  readonly points: readonly Point[];
  /** One value for each stretch of this length, which `of` makes of those in it. */
  readonly binHours: number;
  readonly of: (values: readonly number[]) => number;
  readonly mostPerHour: number;
  /** Judged only where no other programs take the CPU. */
  readonly needsQuiet: boolean;
}

const MEGABYTES = 1e6;
const BINS = 60;
const median = (values: readonly number[]): number => spreadOf(values).median;
/** Memory that waits to be collected comes and goes: what is left after collections must not grow. */
const least = (values: readonly number[]): number => Math.min(...values);

const ofProcesses: readonly [string, (sample: ProbeSample) => number, Measure['of'], number][] = [
  ['RSS, MB', ({ rssBytes }) => rssBytes / MEGABYTES, median, 20],
  ['heap, MB', ({ heapBytes }) => heapBytes / MEGABYTES, least, 5],
  ['external memory, MB', ({ externalBytes }) => externalBytes / MEGABYTES, least, 10],
  ['descriptors', ({ descriptors }) => descriptors, median, 5],
  ['timers', ({ resources }) => resources['Timeout'] ?? 0, median, 5],
  ['sockets', ({ resources }) => resources['TCPSocketWrap'] ?? 0, median, 5],
];

const ofLoad: readonly [string, (stretch: Stretch) => number, number][] = [
  ['latency p50, ms', ({ players }) => players.latency.all.p50, 10],
  ['latency p99, ms', ({ players }) => players.latency.all.p99, 20],
  ['CPU, % of a core', ({ serverCpuShare }) => 100 * serverCpuShare, 5],
];

/** What the slope test judges, with the bounds per hour. */
export function measures({ samples, stretches }: SoakResult): Measure[] {
  const beganAt = stretches[0]?.at ?? 0;
  const hoursAt = (at: number): number => (at - beganAt) / 3_600_000;
  const binHours = hoursAt(stretches.at(-1)?.at ?? 0) / BINS;
  const isSure = { needsQuiet: false, binHours };
  const found: Measure[] = [];
  for (const [process, all] of samples) {
    for (const [name, valueOf, of, mostPerHour] of ofProcesses) {
      const points = all.map((sample) => ({ hours: hoursAt(sample.at), value: valueOf(sample) }));
      found.push({ name: `${process}: ${name}`, points, of, mostPerHour, ...isSure });
    }
  }
  const node = samples.get('node') ?? [];
  const delays = node.map((sample) => ({ hours: hoursAt(sample.at), value: sample.delayP99Ms }));
  const isNoisy = { needsQuiet: true, binHours, of: median };
  found.push({ name: 'node: event loop delay p99, ms', points: delays, mostPerHour: 10, ...isNoisy });
  for (const [name, valueOf, mostPerHour] of ofLoad) {
    const points = stretches.map((stretch) => ({ hours: hoursAt(stretch.at), value: valueOf(stretch) }));
    found.push({ name, points, mostPerHour, ...isNoisy });
  }
  return found;
}
