import type { GeneratorProcess } from '../load/generator-process';
import type { WindowReport } from '../load/generator-api';
import { busyCoreSeconds } from '../measure/core-time';
import type { Metrics } from '../metrics';
import type { BenchCase } from '../scenarios';
import type { RunningServer } from '../servers/running-server';

/** A started server and a started generator, for one run of one case. */
export interface RunContext {
  readonly benchCase: BenchCase;
  readonly server: RunningServer;
  readonly generator: GeneratorProcess;
  /** The server's memory before anybody connected. */
  readonly baseRssBytes: number;
  /** All cores that the server and the generator use. */
  readonly cores: readonly number[];
  /** Length of a measured window. */
  readonly seconds: number;
  /** Time under load before it, for compilers, caches and TCP windows to settle. */
  readonly warmupSeconds: number;
  /** Told about each measured window. */
  readonly onWindow: (window: TimeWindow) => void;
}

/** From and until when, in microseconds of the monotonic clock. */
export interface TimeWindow {
  readonly fromUs: number;
  readonly untilUs: number;
}

export const MEGABYTE = 1024 * 1024;

export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** A window's facts, from the generator and from /proc. */
export interface MeasuredWindow {
  readonly report: WindowReport;
  readonly cpuSeconds: number;
  readonly busiestProcessSeconds: number;
  readonly foreignCpuShare: number;
  readonly rssBytes: number;
}

/** Measures for `seconds` from now on. */
export async function measureWindow(context: RunContext, seconds: number): Promise<MeasuredWindow> {
  const { server, generator, cores, onWindow } = context;
  const busySeconds = (): number => cores.reduce((sum, core) => sum + busyCoreSeconds(core), 0);
  await generator.call('beginWindow', {});
  const fromUs = monotonicUs();
  const before = server.usage();
  const busyBefore = busySeconds();
  await sleep(seconds);
  const after = server.usage();
  const busy = busySeconds() - busyBefore;
  const report = await generator.call('endWindow', {});
  onWindow({ fromUs, untilUs: monotonicUs() });
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  return {
    report,
    cpuSeconds,
    busiestProcessSeconds: Math.max(...after.perProcess.map((used, index) => used - (before.perProcess[index] ?? 0))),
    foreignCpuShare: Math.max(0, (busy - cpuSeconds) / report.seconds - report.generator.cpuShare),
    rssBytes: after.rssBytes,
  };
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** What every kind of window tells about delivery. */
export function deliveryMetrics(report: WindowReport): Partial<Metrics> {
  return {
    lostMessages: report.lost,
    wrongMessages: report.duplicates + report.corrupt,
    timestampErrors: report.timestampErrors,
    stalledPlayers: report.stalledPlayers,
    failedConnections: report.disconnects.length,
  };
}

export function latencyMetrics(report: WindowReport): Partial<Metrics> {
  const { all, video, audio } = report.latency;
  return {
    latencyP50Ms: all.p50,
    latencyP99Ms: all.p99,
    videoP50Ms: video.p50,
    videoP99Ms: video.p99,
    audioP50Ms: audio.p50,
    audioP99Ms: audio.p99,
  };
}
