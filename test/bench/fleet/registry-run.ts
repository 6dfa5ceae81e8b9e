import { Redis } from 'ioredis';
import { DEFAULT_TIMING } from '../../../service/leases/redis/registry-timing';
import { RedisServer } from '../../support/servers/redis-server';
import { sleep } from '../runs/run-context';
import type { Cost, FleetCosts } from './costs';
import type { Channels, NodesReport } from './node-api';
import { Nodes } from './nodes';
import { type Storm, Storms } from './storms';
import { RedisMeter, type RedisSpending } from './redis-meter';

export interface RegistryRunOptions {
  readonly processes: number;
  /** Of all processes together. */
  readonly nodes: number;
  readonly streams: number;
  /** Length of the quiet window (s). */
  readonly seconds: number;
  /** Publishers of a lost zone that come back per second. */
  readonly returnsPerSecond: number;
  /** Called with each result as it comes. */
  readonly tell: (line: string) => void;
}

export interface LostZone {
  readonly nodes: number;
  readonly streams: number;
  /** Until all its streams were live again, its nodes buried and the stops of those that were not continued sent (s). */
  readonly settledAfter: number;
  /** Share of one core of Redis until then. */
  readonly cpuShare: number;
  /** Share of one core of the nodes' processes until then: at 1 a process is the bottleneck. */
  readonly busiestProcess: number;
  /** How often a node took Redis for away. */
  readonly timesAway: number;
}

export interface RegistryResult {
  readonly costs: FleetCosts;
  /** Renewals of a node per second. */
  readonly beatsPerSecond: number;
  /** Measured in the quiet window, at the size of the run. */
  readonly quiet: { readonly cpuShare: number; readonly bytesPerSecond: number; readonly deliveriesPerSecond: number };
  readonly memoryBytes: number;
  readonly storms: readonly Storm[];
  readonly zone: LostZone;
}

/** Steps of which the average cost is taken. */
const MAX_SAMPLES = 3_000;
/** How long a lost zone may take at most (ms). */
const ZONE_PATIENCE_MS = 120_000;
const NOTHING: Cost = { cpuUs: 0, bytes: 0, deliveries: 0 };

/** Measures what the fleet's registry costs Redis: many nodes in a few processes, a real redis-server. */
export async function registryRun(options: RegistryRunOptions): Promise<RegistryResult> {
  const redis = await RedisServer.start();
  const client = new Redis({ host: redis.host, port: redis.port });
  // Redis is stopped on the way.
  client.on('error', () => undefined);
  const processes = Array.from({ length: options.processes }, () => new Nodes());
  try {
    return await new RegistryRun(options, redis, new RedisMeter(client), processes, client).run();
  } finally {
    await Promise.all(processes.map((each) => each.kill()));
    client.disconnect();
    await redis.remove();
  }
}

type ChannelTask = 'publish' | 'end' | 'resume' | 'locate' | 'watch';

class RegistryRun {
  /** What renewals cost in a second, to be taken off of what is measured. */
  #background = NOTHING;

  constructor(
    private readonly options: RegistryRunOptions,
    private readonly redis: RedisServer,
    private readonly meter: RedisMeter,
    private readonly processes: readonly Nodes[],
    private readonly client: Redis,
  ) {}

  async run(): Promise<RegistryResult> {
    const { nodes, streams, tell } = this.options;
    const alone = await this.#quiet();
    const bytesPerNode = await this.#join();
    tell(`${nodes} nodes have joined`);
    await Promise.all(this.processes.map((each) => each.run({ kind: 'warmUp' })));
    const beatsPerSecond = 1000 / (DEFAULT_TIMING.beatMs * 0.9);
    this.#background = await this.#quiet();
    const beat = scaled(less(this.#background, alone), 1 / (nodes * beatsPerSecond));
    const empty = await this.meter.memory();

    await this.#all('watch', streams);
    const publish = await this.#costOf('publish', streams);
    const memoryBytes = await this.meter.memory();
    tell(`${streams} streams are live`);
    const samples = Math.min(streams, MAX_SAMPLES);
    const locate = await this.#costOf('locate', samples);
    const resume = await this.#costOf('resume', samples);
    const end = await this.#costOf('end', samples);
    await this.#all('publish', samples);
    const command = await this.#commandCost();
    const [leave, join] = await this.#turnover();
    const quiet = await this.#quiet();
    const { redis, client, meter, processes } = this;
    const storms = await new Storms({ redis, client, meter, processes, nodes, streams, tell }).run();
    const zone = await this.#loseZone();
    const costs = { beat, publish, end, resume, locate, command, join, leave };
    return {
      costs: { ...costs, alone, bytesPerNode, bytesPerStream: (memoryBytes - empty) / streams },
      beatsPerSecond,
      quiet: { cpuShare: quiet.cpuUs / 1e6, bytesPerSecond: quiet.bytes, deliveriesPerSecond: quiet.deliveries },
      memoryBytes,
      storms,
      zone,
    };
  }

  /** Gives the memory for each node, as the nodes of all processes but the first add it. */
  async #join(): Promise<number> {
    const share = Math.ceil(this.options.nodes / this.processes.length);
    const join = async (at: number): Promise<void> => {
      const count = Math.min(share, this.options.nodes - at * share);
      const names = Array.from({ length: count }, (_, index) => `node-${at}-${index}`);
      await this.processes[at]!.run({ kind: 'join', port: this.redis.port, names });
    };
    // The first renewals bring each other's changes.
    const settled = (): Promise<void> => sleep(2 * (DEFAULT_TIMING.beatMs / 1000));
    await join(0);
    await settled();
    const before = await this.meter.memory();
    for (let at = 1; at < this.processes.length; at += 1) await join(at);
    await settled();
    return ((await this.meter.memory()) - before) / (this.options.nodes - share);
  }

  /** What a second costs in which nothing happens but renewals. */
  async #quiet(): Promise<Cost> {
    const [before, heard] = [await this.meter.spending(), await this.#deliveries()];
    await sleep(this.options.seconds);
    const after = await this.meter.spending();
    const cost = costBetween(before, after, (await this.#deliveries()) - heard);
    return scaled(cost, 1000 / (after.at - before.at));
  }

  /** So many of the channels, of each process as many: the first of those that it has. */
  #parts(count: number): Channels[] {
    const { streams } = this.options;
    const share = Math.ceil(streams / this.processes.length);
    return this.processes.map((_, at) => {
      const from = Math.min(streams, at * share);
      return { from, to: Math.min(streams, from + share, from + Math.ceil(count / this.processes.length)) };
    });
  }

  #all(kind: ChannelTask, count: number): Promise<unknown> {
    const parts = this.#parts(count);
    return Promise.all(this.processes.map((each, at) => each.run({ kind, channels: parts[at]! })));
  }

  /** The cost of one such step, without renewals. */
  async #costOf(kind: ChannelTask, count: number): Promise<Cost> {
    const beganAt = performance.now();
    const cost = scaled(await this.#measure(() => this.#all(kind, count)), 1 / count);
    const seconds = (performance.now() - beganAt) / 1000;
    this.options.tell(`${kind}: ${cost.cpuUs.toFixed(0)} us, ${count} in ${seconds.toFixed(1)} s`);
    return cost;
  }

  async #measure(act: () => Promise<unknown>): Promise<Cost> {
    const [before, heard] = [await this.meter.spending(), await this.#deliveries()];
    await act();
    const after = await this.meter.spending();
    const total = costBetween(before, after, (await this.#deliveries()) - heard);
    return less(total, scaled(this.#background, (after.at - before.at) / 1000));
  }

  async #commandCost(): Promise<Cost> {
    const rounds = 5;
    const cost = await this.#measure(async () => {
      for (let round = 0; round < rounds; round += 1) {
        const channel = `commanded-${round}`;
        await Promise.all(this.processes.map((each) => each.run({ kind: 'command', channel })));
      }
    });
    return scaled(cost, 1 / (rounds * this.options.nodes));
  }

  /** Some nodes leave, and as many join. */
  async #turnover(): Promise<[leave: Cost, join: Cost]> {
    const count = Math.max(1, Math.floor(this.options.nodes / 10));
    const newcomers = new Nodes();
    try {
      const names = Array.from({ length: count }, (_, index) => `newcomer-${index}`);
      // All others read of the newcomers with their next renewals.
      const settled = (): Promise<void> => sleep((1.2 * DEFAULT_TIMING.beatMs) / 1000);
      const join = await this.#measure(async () => {
        await newcomers.run({ kind: 'join', port: this.redis.port, names });
        await settled();
      });
      const leave = await this.#measure(async () => {
        await newcomers.run({ kind: 'leave', count });
        await settled();
      });
      return [scaled(leave, 1 / count), scaled(join, 1 / count)];
    } finally {
      await newcomers.kill();
    }
  }

  /** Ends one process's nodes at once; their publishers come back at the other nodes. */
  async #loseZone(): Promise<LostZone> {
    const { tell, returnsPerSecond } = this.options;
    const lost = this.#parts(this.options.streams).at(-1)!;
    const others = this.processes.slice(0, -1);
    const reports = await this.#reports(this.processes);
    const awayBefore = sum(reports.slice(0, -1), ({ timesAway }) => timesAway);
    const cpuBefore = reports.slice(0, -1).map(({ cpuSeconds }) => cpuSeconds);
    const gone = reports.at(-1)!;
    const before = await this.meter.spending();
    await this.processes.at(-1)!.kill();
    const share = Math.ceil((lost.to - lost.from) / others.length);
    await Promise.all(
      others.map((each, at) => {
        const from = lost.from + at * share;
        const channels = { from, to: Math.min(lost.to, from + share) };
        return each.run({ kind: 'publish', channels, perSecond: returnsPerSecond / others.length });
      }),
    );
    tell(`all streams of the lost zone are live again after ${((performance.now() - before.at) / 1000).toFixed(1)} s`);
    await this.#untilBuried(before.at);
    const after = await this.meter.spending();
    const seconds = (after.at - before.at) / 1000;
    const later = await this.#reports(others);
    for (const { whyAway } of later) if (whyAway !== '') tell(`a node took Redis for away: ${whyAway}`);
    const busy = later.map(({ cpuSeconds }, at) => (cpuSeconds - cpuBefore[at]!) / seconds);
    return {
      nodes: gone.nodes,
      streams: lost.to - lost.from,
      settledAfter: seconds,
      cpuShare: (after.cpuUs - before.cpuUs) / 1e6 / seconds,
      busiestProcess: Math.max(...busy),
      timesAway: sum(later, ({ timesAway }) => timesAway) - awayBefore,
    };
  }

  /** Until nothing of the dead nodes is left in Redis. */
  async #untilBuried(since: number): Promise<void> {
    const registered = async (): Promise<number> => {
      const nodes = await this.client.smembers('{rtmp}:nodes');
      const alive = await Promise.all(
        nodes.map((member) => this.client.exists(`{rtmp}:node:${member.slice(0, member.lastIndexOf('/'))}`)),
      );
      return alive.filter((exists) => exists === 0).length;
    };
    // At first the dead are still registered: none is missing then.
    await sleep(Math.max(0, DEFAULT_TIMING.ttlMs + 1_000 - (performance.now() - since)) / 1000);
    while ((await registered()) > 0) {
      if (performance.now() - since > ZONE_PATIENCE_MS) throw new Error('the lost zone has not settled');
      await sleep(0.25);
    }
  }

  async #deliveries(): Promise<number> {
    return sum(await this.#reports(this.processes), ({ deliveries }) => deliveries);
  }

  #reports(processes: readonly Nodes[]): Promise<NodesReport[]> {
    return Promise.all(processes.map((each) => each.run({ kind: 'report' })));
  }
}

function costBetween(before: RedisSpending, after: RedisSpending, deliveries: number): Cost {
  return { cpuUs: after.cpuUs - before.cpuUs, bytes: after.bytes - before.bytes, deliveries };
}

function scaled({ cpuUs, bytes, deliveries }: Cost, by: number): Cost {
  return { cpuUs: cpuUs * by, bytes: bytes * by, deliveries: deliveries * by };
}

function less(one: Cost, other: Cost): Cost {
  return {
    cpuUs: Math.max(0, one.cpuUs - other.cpuUs),
    bytes: Math.max(0, one.bytes - other.bytes),
    deliveries: Math.max(0, one.deliveries - other.deliveries),
  };
}

function sum(reports: readonly NodesReport[], of: (report: NodesReport) => number): number {
  return reports.reduce((total, each) => total + of(each), 0);
}
