import type { Metrics } from '../metrics';
import { spreadOf } from '../report/statistics';
import { deliveryMetrics, measureWindow, MEGABYTE, type RunContext, sleep, startPublishers } from './run-context';

const CONNECTS_PER_SECOND = 50;
const STEADY_PLAYERS = 5;
const SAMPLE_SECONDS = 1;

/** Short-lived connections and a stream that they must not affect: does memory grow? */
export async function churnRun(context: RunContext): Promise<Partial<Metrics>> {
  const { generator, server } = context;
  await startPublishers(context, 1);
  await generator.setPlayers(1, STEADY_PLAYERS, 1);
  await generator.startChurn(CONNECTS_PER_SECOND);
  await sleep(context.warmupSeconds);

  const samples: number[] = [];
  const sampling = setInterval(() => samples.push(server.usage().rssBytes), SAMPLE_SECONDS * 1000);
  const { report, cpuSeconds, rssBytes } = await measureWindow(context, context.seconds);
  clearInterval(sampling);
  const churn = await generator.stopChurn();
  const delivery = deliveryMetrics(report);
  return {
    ...delivery,
    connections: churn.opened,
    failedConnections: (delivery.failedConnections ?? 0) + churn.failed,
    serverCpuShare: cpuSeconds / report.players.seconds,
    rssMb: rssBytes / MEGABYTE,
    baseRssMb: context.baseRssBytes / MEGABYTE,
    rssGrowthMbPerMinute: (growthPerSample(samples) * 60) / SAMPLE_SECONDS / MEGABYTE,
    generatorCpuShare: report.cpuShare,
  };
}

/**
 * Growth from the second to the last quarter of the samples; pools and caches fill in the first. Medians, because a
 * collector lets memory swing by tens of megabytes.
 */
function growthPerSample(samples: readonly number[]): number {
  const quarter = samples.length / 4;
  const medianOf = (nth: number): number => spreadOf(samples.slice(nth * quarter, (nth + 1) * quarter)).median;
  return (medianOf(3) - medianOf(1)) / (2 * quarter);
}
