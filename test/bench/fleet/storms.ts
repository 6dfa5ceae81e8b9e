import type { Redis } from 'ioredis';
import type { RedisServer } from '../../support/servers/redis-server';
import { DEFAULT_TIMING } from '../../../service/leases/redis/registry-timing';
import { sleep } from '../runs/run-context';
import { COMMANDS } from './command-node';
import { channelName, type NodesReport } from './node-api';
import type { Nodes } from './nodes';
import type { RedisMeter } from './redis-meter';

/** What one event cost, from its beginning until all was as it should be again. */
export interface Storm {
  readonly name: string;
  readonly seconds: number;
  /** CPU time of Redis (s), and bytes that it sent and received. */
  readonly cpuSeconds: number;
  readonly bytes: number;
  /** Share of one core of the busiest process of nodes: at 1 the nodes are the bottleneck, not Redis. */
  readonly busiestProcess: number;
  /** How often a node took Redis for away. */
  readonly timesAway: number;
  /** Streams that ended, and stops that were sent, though nobody had left. */
  readonly ended: number;
  readonly stops: number;
  /** Of them, those of streams that were live. */
  readonly wrongStops: number;
}

export interface StormsOptions {
  readonly redis: RedisServer;
  readonly client: Redis;
  readonly meter: RedisMeter;
  readonly processes: readonly Nodes[];
  readonly nodes: number;
  readonly streams: number;
  readonly tell: (line: string) => void;
}

const ALL = Number.MAX_SAFE_INTEGER;
const PATIENCE_MS = 180_000;
const LOOK_SECONDS = 0.2;
const EXIST_AT_ONCE = 1_000;
/** After this, whoever is taken for dead has been, and stops of what was taken for ended are out. */
const CALM_SECONDS = (2.5 * DEFAULT_TIMING.ttlMs) / 1000;
/** Nodes that are replaced one after another, of which the cost of all is computed. */
const REPLACED_ALONE = 5;

/** Commands to all nodes, publishers that come back all at once, deploys, and a Redis that starts again. */
export class Storms {
  readonly #options: StormsOptions;

  constructor(options: StormsOptions) {
    this.#options = options;
  }

  async run(): Promise<Storm[]> {
    const { processes, nodes, streams, redis, client, tell } = this.#options;
    const storms: Storm[] = [];
    const measure = async (name: string, act: () => Promise<unknown>, isRestart = false): Promise<void> => {
      const storm = await this.#measure(name, act, isRestart);
      storms.push(storm);
      tell(`${name}: ${storm.seconds.toFixed(2)} s, Redis ${storm.cpuSeconds.toFixed(2)} s of CPU`);
    };
    await Promise.all(processes.map((each) => each.run({ kind: 'listen', port: redis.port })));
    for (const command of ['kill-session>nobody', 'block>nobody|60', 'list>']) {
      await measure(`${command}, until all ${nodes} nodes have replied`, () => this.#command(command));
    }
    const perNode = Math.round(streams / nodes);
    await measure(`the publishers of a node come back at once (${perNode})`, () =>
      processes[0]!.run({ kind: 'storm', most: perNode, withinMs: 0 }),
    );
    for (const [withinMs, name] of [
      [10_000, 'within 10 s'],
      [0, 'at once'],
    ] as const) {
      await measure(`all ${streams} publishers come back ${name}`, () =>
        Promise.all(processes.map((each) => each.run({ kind: 'storm', most: ALL, withinMs }))),
      );
    }
    await measure(`${REPLACED_ALONE} nodes are replaced, one after another`, () =>
      processes[0]!.run({ kind: 'replace', port: redis.port, count: REPLACED_ALONE, atOnce: 1 }),
    );
    const third = Math.floor(nodes / processes.length);
    await measure(`a third is replaced at a time (${third})`, () =>
      processes[0]!.run({ kind: 'replace', port: redis.port, count: third, atOnce: ALL }),
    );
    const stopWithData = async (): Promise<void> => {
      await client.save();
      await redis.stop();
    };
    await measure('Redis starts again without data', () => this.#restart(() => redis.kill()), true);
    await measure('Redis starts again with its data', () => this.#restart(stopWithData), true);
    return storms;
  }

  async #measure(name: string, act: () => Promise<unknown>, isRestart: boolean): Promise<Storm> {
    const { meter } = this.#options;
    const before = await this.#reports();
    let spent = await meter.spending();
    const beganAt = performance.now();
    await act();
    const now = await meter.spending();
    const used = await this.#reports();
    const seconds = (now.at - beganAt) / 1000;
    // A new process has spent nothing before.
    if (isRestart) spent = { ...spent, cpuUs: 0, bytes: 0 };
    await sleep(isRestart ? CALM_SECONDS : 0);
    const after = isRestart ? await this.#reports() : used;
    const sum = (of: (report: NodesReport) => number): number =>
      after.reduce((total, report, at) => total + of(report) - of(before[at]!), 0);
    return {
      ...{ name, seconds, cpuSeconds: (now.cpuUs - spent.cpuUs) / 1e6, bytes: now.bytes - spent.bytes },
      busiestProcess: Math.max(...used.map((report, at) => report.cpuSeconds - before[at]!.cpuSeconds)) / seconds,
      timesAway: sum(({ timesAway }) => timesAway),
      ended: -sum(({ live }) => live),
      stops: sum(({ stopsDelivered }) => stopsDelivered),
      wrongStops: sum((report) => report.wrongStops),
    };
  }

  /** Publishes a command; resolves when each node has replied. */
  async #command(command: string): Promise<void> {
    const { client, nodes } = this.#options;
    const replies = client.duplicate();
    const answered = new Set<string>();
    const all = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${answered.size} nodes replied to ${command}`)), PATIENCE_MS);
      replies.on('message', (_, text: string) => {
        const reply = JSON.parse(text) as { node: string; order: string; detail?: string };
        if (reply.order === command && reply.detail !== undefined) answered.add(reply.node);
        if (answered.size < nodes) return;
        clearTimeout(timer);
        resolve();
      });
    });
    try {
      await replies.subscribe(`${COMMANDS}:replies`);
      await client.publish(COMMANDS, command);
      await all;
    } finally {
      replies.disconnect();
    }
  }

  /** Until all nodes are registered and every stream is in the registry again. */
  async #restart(stop: () => Promise<void>): Promise<void> {
    const { redis, client, nodes, streams } = this.#options;
    const since = performance.now();
    await stop();
    await redis.start();
    for (;;) {
      const members = await client.scard('{rtmp}:nodes').catch(() => 0);
      let lives = 0;
      for (let from = 0; from < streams; from += EXIST_AT_ONCE) {
        const count = Math.min(EXIST_AT_ONCE, streams - from);
        const keys = Array.from({ length: count }, (_, index) => `{rtmp}:life:${channelName(from + index)}`);
        lives += await client.exists(...keys).catch(() => 0);
      }
      if (members >= nodes && lives >= streams) return;
      if (performance.now() - since > PATIENCE_MS) throw new Error(`${members} nodes and ${lives} streams are back`);
      await sleep(LOOK_SECONDS);
    }
  }

  #reports(): Promise<NodesReport[]> {
    return Promise.all(this.#options.processes.map((each) => each.run({ kind: 'report' })));
  }
}
