import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { FleetKeys } from '../../../service/leases/fleet-keys';
import { RedisRegistry } from '../../../service/leases/redis/redis-registry';
import type { Logger } from '../../../service/logging/logger';
import { RedisServer } from '../../support/servers/redis-server';
import { LoadGenerator } from '../load/load-generator';
import { rtmpServer } from '../servers/rtmp-server';
import { RunningServer } from '../servers/running-server';
import { sleep } from './run-context';

export interface FleetRunOptions {
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
const SIMULATED_NODES = 1_000;
const LEASES_PER_NODE = 20;
const REGISTRIES = 4;
const PUBLISHES_AT_ONCE = 32;

/** The cost of a fleet in addition to one node: a line for each metric. */
export async function fleetRun(options: FleetRunOptions): Promise<string[]> {
  const direct = await playCost(options, false);
  const relayed = await playCost(options, true);
  const rate = await registryRate(options.seconds);
  return [
    `${STREAMS} streams played on the node of their publishers: ${direct.costPerGb.toFixed(3)} s/GB, lost ${direct.lost}`,
    `the same played on another node (both nodes, one core): ${relayed.costPerGb.toFixed(3)} s/GB, lost ${relayed.lost}`,
    `relay cost: ${(relayed.costPerGb - direct.costPerGb).toFixed(3)} s/GB, ${(relayed.costPerGb / direct.costPerGb).toFixed(2)} of direct play in all`,
    `registry: ${Math.round(rate)} publishes (acquire, confirm, end, stop delivered) a second beside the keys of ${SIMULATED_NODES} nodes`,
  ];
}

async function playCost(options: FleetRunOptions, relayed: boolean): Promise<{ costPerGb: number; lost: number }> {
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

async function registryRate(seconds: number): Promise<number> {
  const redis = await RedisServer.start();
  await simulateNodes(redis);
  const config = { ...redisConfig(redis), channel: 'rtmp_commands' };
  const registries = Array.from({ length: REGISTRIES }, (_, i) => {
    const address = { id: `bench-${i}`, host: '127.0.0.1', port: 1935, proxyHeader: false };
    return new RedisRegistry({ config, address, log: silent, keys: new FleetKeys() });
  });
  try {
    for (const registry of registries) {
      await registry.start({ order() {}, channelChanged() {}, stopsClaimed() {}, localLeases: () => [] });
    }
    const until = performance.now() + seconds * 1000;
    let done = 0;
    const publishAndEnd = async (registry: RedisRegistry): Promise<void> => {
      while (performance.now() < until) {
        await onePublish(registry);
        done += 1;
      }
    };
    const clients = registries.flatMap((registry) => Array<RedisRegistry>(PUBLISHES_AT_ONCE).fill(registry));
    await Promise.all(clients.map(publishAndEnd));
    return done / seconds;
  } finally {
    await Promise.all(registries.map((registry) => registry.stop()));
    await redis.stop();
  }
}

async function onePublish(registry: RedisRegistry): Promise<void> {
  const publishId = randomUUID();
  const channel = `channel-${publishId}`;
  const stop = { jti: publishId, channel, key: 'key', clientIp: '192.0.2.1', query: '', streamId: '' };
  const taken = await registry.acquire({ channel, publishId, keyHash: 'hash', startedAt: Date.now(), stop });
  if (taken.kind !== 'acquired') throw new Error(`a free channel was ${taken.kind}`);
  await registry.confirm(channel, publishId, { streamId: publishId, playKeyHash: 'hash' });
  await registry.end(channel, publishId, { ...stop, streamId: publishId });
  await registry.stopDelivered(publishId);
}

/** The keys that a large fleet keeps in Redis: registrations and leases. */
async function simulateNodes(server: RedisServer): Promise<void> {
  const client = new Redis({ host: server.host, port: server.port });
  for (let node = 0; node < SIMULATED_NODES; node += 1) {
    const batch = client.pipeline();
    const incarnation = randomUUID();
    const registration = { incarnation, epoch: 1, host: '10.0.0.1', port: 1935, proxyHeader: false, draining: false };
    batch.set(`{rtmp}:node:sim-${node}`, JSON.stringify(registration), 'PX', 600_000);
    batch.sadd('{rtmp}:nodes', `sim-${node}/${incarnation}`);
    for (let lease = 0; lease < LEASES_PER_NODE; lease += 1) {
      const session = randomUUID();
      batch.hset(`{rtmp}:lease:sim-${node}-${lease}`, { node: `sim-${node}`, incarnation, session, state: 'live' });
    }
    await batch.exec();
  }
  await client.quit();
}

function redisConfig({ host, port }: RedisServer) {
  return { host, port, username: undefined, password: undefined, tls: undefined };
}

const nothing = (): void => undefined;
const silent: Logger = {
  error: nothing,
  warning: nothing,
  info: nothing,
  request: nothing,
  debug: nothing,
  child: () => silent,
};
