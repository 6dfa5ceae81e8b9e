import type { Metrics } from '../metrics';
import { measureWindow, MEGABYTE, type RunContext, sleep } from './run-context';

/**
 * Players of a stream that nobody publishes: the memory of a waiting connection. The server first gets time to free the
 * memory of its start, which would otherwise reduce the result.
 */
export async function idleRun(context: RunContext): Promise<Partial<Metrics>> {
  const { benchCase, generator, server } = context;
  await sleep(context.warmupSeconds);
  const baseRssBytes = server.usage().rssBytes;
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
