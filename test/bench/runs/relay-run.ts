import { RedisServer } from '../../support/servers/redis-server';
import { LoadGenerator } from '../load/load-generator';
import type { Metrics } from '../metrics';
import type { BenchCase } from '../scenarios';
import { RunningServer } from '../servers/running-server';
import type { ServerKind } from '../servers/server-kind';
import type { RunSettings } from './measured-run';
import { deliveryMetrics, latencyMetrics, sleep } from './run-context';

/** The result of a run of two nodes. */
export interface RelayRun {
  readonly metrics: Partial<Metrics>;
  readonly command: string;
}

/**
 * Two nodes of a fleet on the server's cores, both counted: the players are on the node of their publishers, or on the
 * other one.
 */
export async function relayRun(kind: ServerKind, benchCase: BenchCase, settings: RunSettings): Promise<RelayRun> {
  const { serverCores: cores, generatorCores, seconds, warmupSeconds, profile } = settings;
  const { publishers, players, uploadChunkSize, transport } = benchCase;
  const redis = await RedisServer.start();
  const nodes: RunningServer[] = [];
  const generators: LoadGenerator[] = [];
  try {
    for (const id of ['a', 'b']) {
      const env = {
        ...{ FLEET: 'YES', FLEET_NODE_ID: id, FLEET_ADVERTISE_HOST: '127.0.0.1' },
        ...{ REDIS_USE: 'YES', REDIS_HOST: redis.host, REDIS_PORT: String(redis.port), ...benchCase.env },
      };
      // The profile is of the node with the players, and of both where that is one node.
      const isProfiled = benchCase.fleet === 'local' ? id === 'a' : id === 'b';
      nodes.push(await RunningServer.start(kind, { cores, transport, env, profile: isProfiled ? profile : undefined }));
    }
    const [owner, other] = nodes as [RunningServer, RunningServer];
    const playedOn = benchCase.fleet === 'local' ? owner : other;
    generators.push(...[owner, playedOn].map(({ streams }) => new LoadGenerator(streams, generatorCores)));
    const [publishing, playing] = generators as [LoadGenerator, LoadGenerator];
    const cpuSeconds = (): number => nodes.reduce((sum, each) => sum + each.usage().cpuSeconds, 0);
    await publishing.startPublishers(publishers, uploadChunkSize);
    await playing.setPlayers(publishers, players, 1);
    await sleep(warmupSeconds);
    await Promise.all([publishing.beginWindow(), playing.beginWindow()]);
    const before = cpuSeconds();
    await sleep(seconds);
    const spent = cpuSeconds() - before;
    const [sent, played] = await Promise.all([publishing.endWindow(), playing.endWindow()]);
    const report = { ...played, publishers: sent.publishers };
    const gigabytes = report.players.bytesReceived / 1e9;
    const metrics = {
      costSecondsPerGb: spent / gigabytes,
      gigabytesPerSecond: gigabytes / report.players.seconds,
      serverCpuShare: spent / report.players.seconds,
      ...latencyMetrics(report.players),
      ...deliveryMetrics(report),
      generatorCpuShare: sent.cpuShare + played.cpuShare,
      generatorLatenessP99Ms: sent.publishers.latenessP99Ms,
    };
    return { metrics, command: owner.command };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${reason}\n${nodes.map((node) => node.endOfLog()).join('\n')}`.trim(), { cause: error });
  } finally {
    await Promise.all(generators.map((each) => each.stop()));
    await Promise.all(nodes.map((each) => each.stop()));
    await redis.remove();
  }
}
