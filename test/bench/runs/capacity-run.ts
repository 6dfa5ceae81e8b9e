import type { Metrics } from '../metrics';
import {
  deliveryMetrics,
  latencyMetrics,
  measureWindow,
  type MeasuredWindow,
  MEGABYTE,
  type RunContext,
  startPublishers,
} from './run-context';

const FIRST_COUNT = 500;
const LARGEST_COUNT = 8000;
const RESOLUTION = 0.04;
const MAX_P99_MS = 500;
const VERIFY_ONE_IN = 50;
/** Joining players get a GOP each; that burst has to be over before a window counts. */
const SETTLE_WINDOWS = 5;
const SETTLE_WINDOW_SECONDS = 2;

/** Finds the most players of one stream that get everything in time: doubles their number, then halves the gap. */
export async function capacityRun(context: RunContext): Promise<Partial<Metrics>> {
  await startPublishers(context, 1);
  let good = 0;
  let bad = Infinity;
  let best: MeasuredWindow | undefined;
  let busiestGenerator = 0;
  while (good < LARGEST_COUNT && (bad === Infinity || bad - good > good * RESOLUTION)) {
    const count = bad === Infinity ? Math.min(LARGEST_COUNT, good * 2 || FIRST_COUNT) : Math.round((good + bad) / 2);
    const window = await windowWith(context, count);
    busiestGenerator = Math.max(busiestGenerator, window?.report.cpuShare ?? 0);
    if (window !== undefined && isClean(window)) {
      good = count;
      best = window;
    } else {
      bad = count;
      await context.generator.setPlayers(1, good, VERIFY_ONE_IN);
      if (bad <= FIRST_COUNT / 4) break;
    }
  }
  if (best === undefined) return { maxPlayers: 0, generatorCpuShare: busiestGenerator };
  const { bytesReceived, seconds } = best.report.players;
  return {
    maxPlayers: good,
    costSecondsPerGb: best.cpuSeconds / (bytesReceived / 1e9),
    gigabytesPerSecond: bytesReceived / 1e9 / seconds,
    serverCpuShare: best.cpuSeconds / seconds,
    ...latencyMetrics(best.report.players),
    ...deliveryMetrics(best.report),
    rssMb: best.rssBytes / MEGABYTE,
    generatorCpuShare: busiestGenerator,
    foreignCpuShare: best.foreignCpuShare,
  };
}

/**
 * The first clean window of full length after the burst of joining; otherwise the last window, or undefined when the
 * server did not accept all players.
 */
async function windowWith(context: RunContext, count: number): Promise<MeasuredWindow | undefined> {
  try {
    await context.generator.setPlayers(1, count, VERIFY_ONE_IN);
  } catch {
    return undefined;
  }
  for (let attempt = 1; ; attempt++) {
    const settling = await measureWindow(context, SETTLE_WINDOW_SECONDS);
    if (isClean(settling)) return measureWindow(context, context.seconds);
    if (attempt === SETTLE_WINDOWS) return settling;
  }
}

function isClean({ report }: MeasuredWindow): boolean {
  const faultless = Object.values(deliveryMetrics(report)).every((count) => count === 0);
  return faultless && report.players.messages > 0 && report.players.latency.all.p99 < MAX_P99_MS;
}
