import { LoadGenerator } from '../load/load-generator';
import { monotonicMs } from '../load/monotonic-clock';
import type { Metrics, RunResult } from '../metrics';
import type { BenchCase } from '../scenarios';
import { RunningServer, type StartOptions } from '../servers/running-server';
import type { ServerKind } from '../servers/server-kind';
import { capacityRun } from './capacity-run';
import { churnRun } from './churn-run';
import { idleRun } from './idle-run';
import { relayRun } from './relay-run';
import { type RunContext, sleep, type TimeWindow } from './run-context';
import { steadyRun } from './steady-run';

export interface RunSettings {
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly serverCores: readonly number[];
  readonly generatorCores: readonly number[];
  readonly profile: StartOptions['profile'];
}

const runs: Readonly<Record<Exclude<BenchCase['kind'], 'relays'>, (context: RunContext) => Promise<Partial<Metrics>>>> =
  {
    steady: steadyRun,
    idle: idleRun,
    capacity: capacityRun,
    churn: churnRun,
  };

const START_SETTLE_SECONDS = 0.5;
const GENERATOR_CPU_LIMIT = 0.9;
const LATENESS_LIMIT_MS = 15;
const FOREIGN_CPU_LIMIT = 0.1;

export interface MeasuredRun extends RunResult {
  /** The server's command line. */
  readonly command: string;
  /** The longest of the measured windows, whose metrics are reported. */
  readonly window: TimeWindow;
}

/**
 * Starts the server and a generator, runs the case and ends both. Rejects when the server does not start or the load
 * cannot be set up, with the end of the server's output in the message.
 */
export async function measuredRun(kind: ServerKind, benchCase: BenchCase, settings: RunSettings): Promise<MeasuredRun> {
  if (benchCase.kind === 'relays') {
    const fromMs = monotonicMs();
    const { metrics, command } = await relayRun(kind, benchCase, settings);
    return { metrics, warnings: warningsAbout(metrics), command, window: { fromMs, untilMs: monotonicMs() } };
  }
  const { serverCores, generatorCores, seconds, warmupSeconds, profile } = settings;
  const workers: Record<string, string> = benchCase.workers === undefined ? {} : { WORKERS: String(benchCase.workers) };
  const env = { ...benchCase.env, ...workers };
  const server = await RunningServer.start(kind, {
    ...{ cores: serverCores, env, profile },
    transport: benchCase.transport,
    playerProtocol: benchCase.playerProtocol,
  });
  const generator = new LoadGenerator(server.streams, generatorCores);
  try {
    await sleep(START_SETTLE_SECONDS);
    const baseRssBytes = server.usage().rssBytes;
    let window: TimeWindow = { fromMs: 0, untilMs: 0 };
    const onWindow = (next: TimeWindow): void => {
      if (next.untilMs - next.fromMs > window.untilMs - window.fromMs) window = next;
    };
    const cores = [...new Set([...serverCores, ...generatorCores])];
    const { playersAfterSeconds = 0 } = kind;
    const context = {
      ...{ benchCase, server, generator, playersAfterSeconds, baseRssBytes, cores },
      ...{ seconds, warmupSeconds, onWindow },
    };
    const metrics = await runs[benchCase.kind](context);
    return { metrics, warnings: warningsAbout(metrics), command: server.command, window };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${reason}\n${server.endOfLog()}`.trim(), { cause: error });
  } finally {
    await generator.stop();
    await server.stop();
  }
}

function warningsAbout(metrics: Partial<Metrics>): string[] {
  const percent = (share: number | undefined): string => `${Math.round((share ?? 0) * 100)} %`;
  const warnings: string[] = [];
  if ((metrics.generatorCpuShare ?? 0) > GENERATOR_CPU_LIMIT) {
    warnings.push(
      `the load generator used ${percent(metrics.generatorCpuShare)} of its core: it may be what limits here`,
    );
  }
  if ((metrics.generatorLatenessP99Ms ?? 0) > LATENESS_LIMIT_MS) {
    warnings.push(`the load generator sent up to ${metrics.generatorLatenessP99Ms?.toFixed(0)} ms late (p99)`);
  }
  if ((metrics.foreignCpuShare ?? 0) > FOREIGN_CPU_LIMIT) {
    warnings.push(`other processes took ${percent(metrics.foreignCpuShare)} of a core`);
  }
  if ((metrics.failedConnections ?? 0) > 0) warnings.push(`${metrics.failedConnections} connections failed`);
  return warnings;
}
