import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { FleetKeys } from '../../../service/leases/fleet-keys';
import type { NodeEffect } from '../../../service/leases/life-store';
import { RedisLifeStore } from '../../../service/leases/redis/redis-life-store';
import type { RedisConfig } from '../../../service/config/redis-settings';
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
const LIVES_PER_NODE = 20;
const STORES = 4;
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
    `registry: ${Math.round(rate)} publishes (come, answered, left, stop delivered) a second beside the keys of ${SIMULATED_NODES} nodes`,
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
  const nodes = Array.from({ length: STORES }, (_, i) => new BenchNode(config, `bench-${i}`));
  try {
    for (const node of nodes) await node.start();
    const until = performance.now() + seconds * 1000;
    let done = 0;
    const publishAndEnd = async (node: BenchNode): Promise<void> => {
      while (performance.now() < until) {
        await node.onePublish();
        done += 1;
      }
    };
    const clients = nodes.flatMap((node) => Array<BenchNode>(PUBLISHES_AT_ONCE).fill(node));
    await Promise.all(clients.map(publishAndEnd));
    return done / seconds;
  } finally {
    await Promise.all(nodes.map(({ store }) => store.stop()));
    await redis.stop();
  }
}

/** A node that lets every publisher in. */
class BenchNode {
  readonly store: RedisLifeStore;
  readonly #letIn = new Map<string, () => void>();

  constructor(config: RedisConfig, id: string) {
    const address = { id, host: '127.0.0.1', port: 1935, proxyHeader: false };
    const policy = { takeover: false, resumes: false };
    this.store = new RedisLifeStore({ config, address, policy, log: silent, keys: new FleetKeys() });
  }

  start(): Promise<void> {
    return this.store.start({
      perform: (channel, effects) => {
        for (const effect of effects) this.#perform(channel, effect);
      },
      refusalAlone: () => undefined,
      stopsDue: nothing,
      channelChanged: nothing,
      command: nothing,
    });
  }

  async onePublish(): Promise<void> {
    const publish = randomUUID();
    const channel = `channel-${publish}`;
    const about = this.store.about({ channel, key: 'key', clientIp: '192.0.2.1', query: '' });
    const start = { publish, node: this.store.member, startJti: randomUUID(), about };
    const letIn = new Promise<void>((resolve) => this.#letIn.set(publish, resolve));
    const candidate = { ...start, keyHash: 'hash', group: '192.0.2.1' };
    await this.store.apply(channel, { kind: 'come', candidate, now: Date.now() });
    await letIn;
    await this.store.apply(channel, { kind: 'left', publish });
    for (const { jti } of await this.store.pullStops(1)) await this.store.stopDelivered(jti);
  }

  #perform(channel: string, effect: NodeEffect): void {
    if (effect.kind === 'letIn') this.#letIn.get(effect.publish)?.();
    if (effect.kind !== 'ask') return;
    const { start } = effect;
    const answer = { kind: 'accepted', streamId: start.publish, playKeyHash: 'hash' } as const;
    void this.store.apply(channel, { kind: 'answered', start, answer, now: Date.now() });
  }
}

/** The keys that a large fleet keeps in Redis: registrations and lives. */
async function simulateNodes(server: RedisServer): Promise<void> {
  const client = new Redis({ host: server.host, port: server.port });
  for (let node = 0; node < SIMULATED_NODES; node += 1) {
    const batch = client.pipeline();
    const incarnation = randomUUID();
    const registration = { incarnation, epoch: 1, host: '10.0.0.1', port: 1935, proxyHeader: false, draining: false };
    batch.set(`{rtmp}:node:sim-${node}`, JSON.stringify(registration), 'PX', 600_000);
    batch.sadd('{rtmp}:nodes', `sim-${node}/${incarnation}`);
    for (let count = 0; count < LIVES_PER_NODE; count += 1) {
      const id = { streamId: 'id', startJti: randomUUID(), stopJti: randomUUID(), about: 'a'.repeat(200), since: 0 };
      const stream = { publish: randomUUID(), node: `sim-${node}/${incarnation}`, state: 'live', id };
      const life = { stream, late: [], waiting: [], round: 0 };
      batch.set(
        `{rtmp}:life:sim-${node}-${count}`,
        JSON.stringify({ schema: 1, version: `sim:${node}-${count}`, life }),
      );
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
