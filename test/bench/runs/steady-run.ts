import type { Metrics } from '../metrics';
import {
  deliveryMetrics,
  latencyMetrics,
  measureWindow,
  MEGABYTE,
  type RunContext,
  sleep,
  startPublishers,
} from './run-context';

const PROBED_STREAMS = 5;
const MESSAGES_PER_SECOND = 77;
/** A player that joins waits for a keyframe; keyframes come every 2 s. */
const PROBE_SETTLE_SECONDS = 2.5;
const PROBE_SECONDS = 1.5;

/** Publishers and players at a constant rate: cost per gigabyte and latency. */
export async function steadyRun(context: RunContext): Promise<Partial<Metrics>> {
  const { benchCase, generator } = context;
  const { publishers, players } = benchCase;
  await startPublishers(context, publishers);
  await generator.setPlayers(publishers, players, players > 20 ? 10 : 1);
  await sleep(context.warmupSeconds);

  const { report, cpuSeconds, busiestProcessSeconds, foreignCpuShare, rssBytes } = await measureWindow(
    context,
    context.seconds,
  );
  const received = benchCase.costPer === 'received';
  const gigabytes = (received ? report.publishers.bytesSent : report.players.bytesReceived) / 1e9;
  const { seconds } = received ? report.publishers : report.players;
  return {
    costSecondsPerGb: cpuSeconds / gigabytes,
    busiestProcessPerGb: busiestProcessSeconds / gigabytes,
    gigabytesPerSecond: gigabytes / seconds,
    serverCpuShare: cpuSeconds / seconds,
    ...(players > 0 ? { ...latencyMetrics(report.players), ...deliveryMetrics(report) } : await probe(context)),
    rssMb: rssBytes / MEGABYTE,
    baseRssMb: context.baseRssBytes / MEGABYTE,
    ...(players === 0 ? { rssPerPublisherMb: (rssBytes - context.baseRssBytes) / MEGABYTE / publishers } : {}),
    generatorCpuShare: report.cpuShare,
    generatorLatenessP99Ms: report.publishers.latenessP99Ms,
    foreignCpuShare,
  };
}

/** Without players, a few late ones check after the measurement that the server has really received the streams. */
async function probe(context: RunContext): Promise<Partial<Metrics>> {
  const streams = Math.min(PROBED_STREAMS, context.benchCase.publishers);
  await context.generator.setPlayers(streams, streams, 1);
  await sleep(PROBE_SETTLE_SECONDS);
  const { report } = await measureWindow(context, PROBE_SECONDS);
  const expected = streams * MESSAGES_PER_SECOND * PROBE_SECONDS;
  const missing = report.players.messages < expected / 2 ? Math.round(expected - report.players.messages) : 0;
  return { ...deliveryMetrics(report), lostMessages: report.players.lost + missing };
}
