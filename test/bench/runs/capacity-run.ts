import type { Metrics } from '../metrics';
import {
  deliveryMetrics,
  latencyMetrics,
  measureWindow,
  type MeasuredWindow,
  MEGABYTE,
  type RunContext,
} from './run-context';

const FIRST_COUNT = 500;
const LARGEST_COUNT = 8000;
const RESOLUTION = 0.04;
const MAX_P99_MS = 500;
/** Joining players get a GOP each; that burst has to be over before a window counts. */
const SETTLE_WINDOWS = 5;
const SETTLE_WINDOW_SECONDS = 2;

/** Looks for the most players of one stream that get everything in time: doubles their number, then halves the gap. */
export async function capacityRun(context: RunContext): Promise<Partial<Metrics>> {
  await context.generator.call('startPublishers', { pattern: context.server.streams, count: 1, uploadChunkSize: 4096 });
  let good = 0;
  let bad = Infinity;
  let best: MeasuredWindow | undefined;
  let busiestGenerator = 0;
  while (good < LARGEST_COUNT && (bad === Infinity || bad - good > good * RESOLUTION)) {
    const count = bad === Infinity ? Math.min(LARGEST_COUNT, good * 2 || FIRST_COUNT) : Math.round((good + bad) / 2);
    const window = await windowWith(context, count);
    busiestGenerator = Math.max(busiestGenerator, window?.report.generator.cpuShare ?? 0);
    if (window !== undefined && isClean(window)) {
      good = count;
      best = window;
    } else {
      bad = count;
      await setPlayers(context, good);
      if (bad <= FIRST_COUNT / 4) break;
    }
  }
  if (best === undefined) return { maxPlayers: 0, generatorCpuShare: busiestGenerator };
  return {
    maxPlayers: good,
    costSecondsPerGb: best.cpuSeconds / (best.report.bytesReceived / 1e9),
    gigabytesPerSecond: best.report.bytesReceived / 1e9 / best.report.seconds,
    serverCpuShare: best.cpuSeconds / best.report.seconds,
    ...latencyMetrics(best.report),
    ...deliveryMetrics(best.report),
    rssMb: best.rssBytes / MEGABYTE,
    generatorCpuShare: busiestGenerator,
    foreignCpuShare: best.foreignCpuShare,
  };
}

/**
 * The first clean window of full length after the burst of joining; else the last one that was not clean, or nothing
 * when the server did not even let them all in.
 */
async function windowWith(context: RunContext, count: number): Promise<MeasuredWindow | undefined> {
  try {
    await setPlayers(context, count);
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
  const faults = report.lost + report.duplicates + report.corrupt + report.stalledPlayers + report.disconnects.length;
  return faults === 0 && report.latency.all.p99 < MAX_P99_MS;
}

function setPlayers({ generator, server }: RunContext, count: number): Promise<void> {
  return generator.call('setPlayers', { pattern: server.streams, streams: 1, count, verifyOneIn: 50 });
}
