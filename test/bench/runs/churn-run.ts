import type { Metrics } from '../metrics';
import { deliveryMetrics, measureWindow, MEGABYTE, type RunContext, sleep } from './run-context';

const CONNECTS_PER_SECOND = 50;
const STEADY_PLAYERS = 5;
const SAMPLE_SECONDS = 1;

/** Connections that come and go beside a stream that must not suffer: does memory grow? */
export async function churnRun(context: RunContext): Promise<Partial<Metrics>> {
  const { benchCase, generator, server } = context;
  await generator.startPublishers(1, benchCase.uploadChunkSize);
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
    rssGrowthMbPerMinute: (slope(samples.slice(samples.length >> 2)) * 60) / SAMPLE_SECONDS / MEGABYTE,
    generatorCpuShare: report.cpuShare,
  };
}

/** Least-squares growth per sample; the caller leaves out the first quarter, in which pools and caches fill. */
function slope(samples: readonly number[]): number {
  const middle = (samples.length - 1) / 2;
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
  let covariance = 0;
  let variance = 0;
  samples.forEach((value, index) => {
    covariance += (index - middle) * (value - mean);
    variance += (index - middle) ** 2;
  });
  return variance === 0 ? 0 : covariance / variance;
}
