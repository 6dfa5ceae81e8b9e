import type { Metrics } from '../metrics';
import { measureWindow, MEGABYTE, type RunContext, sleep } from './run-context';

/** Players of a stream that nobody publishes: what a waiting connection costs in memory. */
export async function idleRun(context: RunContext): Promise<Partial<Metrics>> {
  const { benchCase, generator, baseRssBytes } = context;
  await generator.openIdlePlayers(benchCase.players);
  await sleep(context.warmupSeconds);
  const { report, rssBytes } = await measureWindow(context, context.seconds);
  return {
    kbPerIdlePlayer: (rssBytes - baseRssBytes) / 1024 / benchCase.players,
    baseRssMb: baseRssBytes / MEGABYTE,
    rssMb: rssBytes / MEGABYTE,
    failedConnections: report.players.disconnects.length,
  };
}
