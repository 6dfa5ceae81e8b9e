import { Redis } from 'ioredis';
import { runBounded } from '../load/bounded-parallel';
import { BenchNode } from './bench-node';
import { listen } from './command-node';
import {
  channelName,
  type Channels,
  type NodeAnswer,
  type NodeRequest,
  type NodesReport,
  type NodeTask,
} from './node-api';

/** Steps that the nodes of one process take at a time. */
const AT_ONCE = 16;
const JOINS_AT_ONCE = 10;
const LOOK_MS = 100;
const JOIN_PATIENCE_MS = 30_000;

const nodes: BenchNode[] = [];
let deliveries = 0;
let wrongStops = 0;
/** Of nodes that have left. */
const past = { stopsDelivered: 0, timesAway: 0 };

/** Counts the messages of all subscriptions: Redis itself does not. */
function countDeliveries(): void {
  type Emit = (this: unknown, event: string | symbol, ...args: unknown[]) => boolean;
  const emitter = Redis.prototype as unknown as { emit: Emit };
  const { emit } = emitter;
  emitter.emit = function (event, ...args) {
    if (event === 'message') deliveries += 1;
    return emit.call(this, event, ...args);
  };
}

function nodeOf(number: number, next = 0): BenchNode {
  return nodes[(number + next) % nodes.length]!;
}

/** Runs a step for each channel, on the node that has it. */
function forEach({ from, to }: Channels, step: (node: BenchNode, channel: string, number: number) => Promise<unknown>) {
  return runBounded(to - from, AT_ONCE, async (index) => {
    const number = from + index;
    await step(nodeOf(number), channelName(number), number);
  });
}

/** Publishers come at a rate, whether earlier ones have been let in or not. */
async function publishAtRate({ from, to }: Channels, perSecond: number): Promise<void> {
  const beganAt = performance.now();
  const all: Promise<void>[] = [];
  for (let number = from; number < to; number += 1) {
    const waitMs = beganAt + ((number - from) / perSecond) * 1000 - performance.now();
    if (waitMs > 1) await new Promise((wake) => setTimeout(wake, waitMs));
    all.push(nodeOf(number).publishUntilLive(channelName(number)));
  }
  await Promise.all(all);
}

async function warmUp(node: BenchNode, other: BenchNode): Promise<void> {
  const channel = `warm-up-${node.store.self.id}`;
  await node.store.locate(channel);
  await node.publishUntilLive(channel);
  await node.leave(channel, 'lost');
  await other.publishUntilLive(channel);
  await other.leave(channel, 'left');
  await node.store.remember({ verb: 'kill-session', channel });
}

/** Publishers are lost, and try until they are let in again. */
async function storm(most: number, withinMs: number): Promise<void> {
  const all = nodes.flatMap((node, at) => [...node.live.keys()].map((channel) => ({ node, channel, at })));
  const publishers = all.slice(0, Math.min(most, all.length));
  await Promise.all(
    publishers.map(async ({ node, channel, at }) => {
      const waitMs = Math.random() * withinMs;
      if (waitMs > 0) await new Promise((wake) => setTimeout(wake, waitMs));
      await node.leave(channel, 'lost');
      await nodeOf(at, 1).publishUntilLive(channel);
    }),
  );
}

/** As in a deploy: the new node first, then the old one drains and its publishers come back at another one. */
async function replace(port: number): Promise<void> {
  const old = nodes.shift()!;
  await join(`${old.store.self.id}-next`, port);
  await old.store.drain();
  const moves = [...old.live.keys()].map(async (channel, at) => {
    await old.leave(channel, 'lost');
    await nodeOf(at).publishUntilLive(channel);
  });
  await Promise.all(moves);
  await old.store.stop();
  past.stopsDelivered += old.stopsDelivered;
  past.timesAway += old.timesAway;
}

async function join(name: string, port: number): Promise<void> {
  const node = new BenchNode(name, port);
  nodes.push(node);
  node.onStop = (channel, streamId) => {
    if (nodes.some(({ streams }) => streams.get(channel) === streamId)) wrongStops += 1;
  };
  await node.start();
  // The first look is at the start's end; a busy machine may need longer.
  for (let waitedMs = 0; !node.store.connected; waitedMs += LOOK_MS) {
    if (waitedMs > JOIN_PATIENCE_MS) throw new Error('a node has not joined');
    await new Promise((wake) => setTimeout(wake, LOOK_MS));
  }
}

async function run(task: NodeTask): Promise<void> {
  switch (task.kind) {
    case 'join':
      return runBounded(task.names.length, JOINS_AT_ONCE, (index) => join(task.names[index]!, task.port));
    case 'leave':
      return runBounded(task.count, JOINS_AT_ONCE, () => nodes.pop()!.store.stop());
    case 'warmUp':
      return runBounded(nodes.length, AT_ONCE, (index) => warmUp(nodes[index]!, nodeOf(index, 1)));
    case 'publish':
      if (task.perSecond !== undefined) return publishAtRate(task.channels, task.perSecond);
      return forEach(task.channels, (node, channel) => node.publishUntilLive(channel));
    case 'end':
      return forEach(task.channels, async (node, channel, number) => {
        // A publisher that was lost has come back at the next node.
        await node.leave(channel, 'left');
        await nodeOf(number, 1).leave(channel, 'left');
      });
    case 'resume':
      return forEach(task.channels, async (node, channel, number) => {
        await node.leave(channel, 'lost');
        await nodeOf(number, 1).publishUntilLive(channel);
      });
    case 'locate':
      return forEach(task.channels, (_, channel, number) => nodeOf(number, 1).store.locate(channel));
    case 'watch':
      return forEach(task.channels, (_, channel, number) => nodeOf(number, 1).store.watch(channel));
    case 'command':
      return runBounded(nodes.length, AT_ONCE, async (index) => {
        await nodes[index]!.store.remember({ verb: 'kill-session', channel: task.channel });
      });
    case 'listen':
      return runBounded(nodes.length, AT_ONCE, async (index) => {
        await listen(nodes[index]!, task.port);
      });
    case 'storm':
      return storm(task.most, task.withinMs);
    case 'replace':
      return runBounded(task.count, Math.min(task.atOnce, task.count), () => replace(task.port));
    case 'report':
      return undefined;
  }
}

function report(): NodesReport {
  const sum = (of: (node: BenchNode) => number): number => nodes.reduce((total, node) => total + of(node), 0);
  const { user, system } = process.cpuUsage();
  return {
    nodes: nodes.length,
    live: sum(({ live }) => live.size),
    deliveries,
    wrongStops,
    stopsDelivered: past.stopsDelivered + sum(({ stopsDelivered }) => stopsDelivered),
    timesAway: past.timesAway + sum(({ timesAway }) => timesAway),
    whyAway: nodes.find(({ whyAway }) => whyAway !== '')?.whyAway ?? '',
    cpuSeconds: (user + system) / 1e6,
  };
}

countDeliveries();
process.on('message', ({ id, task }: NodeRequest) => {
  run(task).then(
    () => process.send?.({ id, report: report() } satisfies NodeAnswer),
    (error: unknown) => process.send?.({ id, report: report(), error: String(error) } satisfies NodeAnswer),
  );
});
process.on('disconnect', () => process.exit());
