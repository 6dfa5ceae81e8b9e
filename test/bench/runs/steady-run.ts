import type { Metrics } from '../metrics';
import { deliveryMetrics, latencyMetrics, measureWindow, MEGABYTE, type RunContext, sleep } from './run-context';

const PROBED_STREAMS = 5;
const MESSAGES_PER_SECOND = 77;
/** A player that joins waits for a keyframe, one every 2 s. */
const PROBE_SETTLE_SECONDS = 2.5;
const PROBE_SECONDS = 1.5;

/** Publishers and players at a constant rate: cost per gigabyte and latency. */
export async function steadyRun(context: RunContext): Promise<Partial<Metrics>> {
  const { benchCase, generator, server } = context;
  const { publishers, players, uploadChunkSize } = benchCase;
  await generator.call('startPublishers', { pattern: server.streams, count: publishers, uploadChunkSize });
  await setPlayers(context, publishers, players, players > 20 ? 10 : 1);
  await sleep(context.warmupSeconds);

  const { report, cpuSeconds, busiestProcessSeconds, foreignCpuShare, rssBytes } = await measureWindow(
    context,
    context.seconds,
  );
  const gigabytes = (benchCase.costPer === 'received' ? report.bytesSent : report.bytesReceived) / 1e9;
  return {
    costSecondsPerGb: cpuSeconds / gigabytes,
    busiestProcessPerGb: busiestProcessSeconds / gigabytes,
    gigabytesPerSecond: gigabytes / report.seconds,
    serverCpuShare: cpuSeconds / report.seconds,
    ...(players > 0 ? { ...latencyMetrics(report), ...deliveryMetrics(report) } : await probe(context)),
    rssMb: rssBytes / MEGABYTE,
    baseRssMb: context.baseRssBytes / MEGABYTE,
    ...(players === 0 ? { rssPerPublisherMb: (rssBytes - context.baseRssBytes) / MEGABYTE / publishers } : {}),
    generatorCpuShare: report.generator.cpuShare,
    generatorLatenessP99Ms: report.generator.latenessP99Ms,
    foreignCpuShare,
  };
}

/** Where nobody plays, a few late players check after the measurement that the server has really taken the streams in. */
async function probe(context: RunContext): Promise<Partial<Metrics>> {
  const streams = Math.min(PROBED_STREAMS, context.benchCase.publishers);
  await setPlayers(context, streams, streams, 1);
  await sleep(PROBE_SETTLE_SECONDS);
  const { report } = await measureWindow(context, PROBE_SECONDS);
  const expected = streams * MESSAGES_PER_SECOND * PROBE_SECONDS;
  const missing = report.messages < expected / 2 ? Math.round(expected - report.messages) : 0;
  return { ...deliveryMetrics(report), lostMessages: report.lost + missing };
}

function setPlayers(context: RunContext, streams: number, count: number, verifyOneIn: number): Promise<void> {
  return context.generator.call('setPlayers', { pattern: context.server.streams, streams, count, verifyOneIn });
}
