import type { PlayerReport } from '../load/generator-api';
import type { LoadGenerator, WindowReport } from '../load/load-generator';
import { monotonicMs } from '../load/monotonic-clock';
import { busyCoreSeconds } from '../measure/core-time';
import type { Metrics } from '../metrics';
import type { BenchCase } from '../scenarios';
import type { RunningServer } from '../servers/running-server';

/** A started server and a started generator, for one run of one case. */
export interface RunContext {
  readonly benchCase: BenchCase;
  readonly server: RunningServer;
  readonly generator: LoadGenerator;
  /** How long the server needs after its publishers before it lets players in. */
  readonly playersAfterSeconds: number;
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

/** Begin and end, in milliseconds of the monotonic clock. */
export interface TimeWindow {
  readonly fromMs: number;
  readonly untilMs: number;
}

export const MEGABYTE = 1024 * 1024;

export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** Starts the publishers, and returns when players may come. */
export async function startPublishers(context: RunContext, count: number): Promise<void> {
  await context.generator.startPublishers(count, context.benchCase.uploadChunkSize);
  await sleep(context.playersAfterSeconds);
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
  await generator.beginWindow();
  const fromMs = monotonicMs();
  const before = server.usage();
  const busyBefore = busySeconds();
  await sleep(seconds);
  const after = server.usage();
  const busy = busySeconds() - busyBefore;
  const report = await generator.endWindow();
  onWindow({ fromMs, untilMs: monotonicMs() });
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  return {
    report,
    cpuSeconds,
    busiestProcessSeconds: Math.max(...after.perProcess.map((used, index) => used - (before.perProcess[index] ?? 0))),
    foreignCpuShare: Math.max(0, (busy - cpuSeconds) / report.players.seconds - report.cpuShare),
    rssBytes: after.rssBytes,
  };
}

/** The delivery metrics of every kind of window. */
export function deliveryMetrics({ publishers, players }: WindowReport): Partial<Metrics> {
  return {
    lostMessages: players.lost,
    wrongMessages: players.duplicates + players.corrupt,
    timestampErrors: players.timestampErrors,
    stalledPlayers: players.stalled,
    failedConnections: publishers.disconnects.length + players.disconnects.length,
  };
}

export function latencyMetrics({ latency: { all, video, audio } }: PlayerReport): Partial<Metrics> {
  return {
    latencyP50Ms: all.p50,
    latencyP99Ms: all.p99,
    videoP50Ms: video.p50,
    videoP99Ms: video.p99,
    audioP50Ms: audio.p50,
    audioP99Ms: audio.p99,
  };
}
