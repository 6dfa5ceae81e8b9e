import { RedisServer } from '../../support/servers/redis-server';
import { LoadGenerator } from '../load/load-generator';
import { rtmpServer } from '../servers/rtmp-server';
import { RunningServer } from '../servers/running-server';
import { sleep } from './run-context';

export interface RelayRunOptions {
  readonly bundle: string;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Cores of the nodes, and of the load generator. */
  readonly serverCores: readonly number[];
  readonly generatorCores: readonly number[];
}

/** Streams of 4 Mbps, each with one player. */
const STREAMS = 20;
const UPLOAD_CHUNK_BYTES = 4096;

/** The cost of a relay in addition to one node: a line for each metric. */
export async function relayRun(options: RelayRunOptions): Promise<string[]> {
  const direct = await playCost(options, false);
  const relayed = await playCost(options, true);
  return [
    `${STREAMS} streams played on the node of their publishers: ${direct.costPerGb.toFixed(3)} s/GB, lost ${direct.lost}`,
    `the same played on another node (both nodes, one core): ${relayed.costPerGb.toFixed(3)} s/GB, lost ${relayed.lost}`,
    `relay cost: ${(relayed.costPerGb - direct.costPerGb).toFixed(3)} s/GB, ${(relayed.costPerGb / direct.costPerGb).toFixed(2)} of direct play in all`,
  ];
}

async function playCost(options: RelayRunOptions, relayed: boolean): Promise<{ costPerGb: number; lost: number }> {
  const redis = await RedisServer.start();
  const node = (id: string): Promise<RunningServer> => {
    const env = {
      ...{ FLEET: 'YES', FLEET_NODE_ID: id, FLEET_ADVERTISE_HOST: '127.0.0.1' },
      ...{ REDIS_USE: 'YES', REDIS_HOST: redis.host, REDIS_PORT: String(redis.port) },
    };
    const cores = options.serverCores;
    return RunningServer.start(rtmpServer(options.bundle), { cores, transport: 'rtmp', env, profile: undefined });
  };
  const nodes = await Promise.all([node('a'), node('b')]);
  const [owner, other] = nodes;
  const publishing = new LoadGenerator(owner.streams, options.generatorCores);
  const playing = new LoadGenerator(relayed ? other.streams : owner.streams, options.generatorCores);
  const cpuSeconds = (): number => nodes.reduce((sum, each) => sum + each.usage().cpuSeconds, 0);
  try {
    await publishing.startPublishers(STREAMS, UPLOAD_CHUNK_BYTES);
    await playing.setPlayers(STREAMS, STREAMS, 1);
    await sleep(options.warmupSeconds);
    await playing.beginWindow();
    const before = cpuSeconds();
    await sleep(options.seconds);
    const spent = cpuSeconds() - before;
    const { players } = await playing.endWindow();
    return { costPerGb: spent / (players.bytesReceived / 1e9), lost: players.lost + players.corrupt + players.stalled };
  } finally {
    await Promise.all([publishing.stop(), playing.stop()]);
    await Promise.all(nodes.map((each) => each.stop()));
    await redis.stop();
  }
}
