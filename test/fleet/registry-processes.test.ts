import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { FAST, RecordingNode } from '../service/leases/redis/recording-node';
import { RedisServer } from '../support/servers/redis-server';
import { RegistryProcess } from './registry-process';

let redis: RedisServer;
const processes: RegistryProcess[] = [];
const nodes: RecordingNode[] = [];

async function startProcess(): Promise<RegistryProcess> {
  const node = await RegistryProcess.start(redis.port);
  processes.push(node);
  return node;
}

async function startNode(): Promise<RecordingNode> {
  const node = await RecordingNode.start({ port: redis.port });
  nodes.push(node);
  return node;
}

beforeAll(async () => {
  redis = await RedisServer.start();
});

afterEach(async () => {
  await Promise.all(processes.splice(0).map((node) => node.kill()));
  await Promise.all(nodes.splice(0).map((node) => node.registry.stop()));
  await redis.withClient((client) => client.flushall());
});

afterAll(() => redis.remove());

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

test('of several processes that publish the same channels at the same time one has each', async () => {
  const all = await Promise.all([startProcess(), startProcess(), startProcess()]);
  const channels = names('ch', 200);
  const published = await Promise.all(all.map((node) => node.publish(channels)));
  const live = published.flatMap((some) => [...some.keys()]);
  expect(live.sort()).toEqual([...channels].sort());
  expect(all.flatMap(({ report }) => report.orders)).toEqual([]);
});

describe('a process that stands still for longer than nodes may be silent', () => {
  test('finds its channels taken and its stops claimed when it goes on, and ends its copies', async () => {
    const [owner, b] = [await startProcess(), await startNode()];
    const channels = names('ch', 20);
    const mine = await owner.publish(channels);
    expect(mine.size).toBe(20);
    owner.signal('SIGSTOP');
    await b.until(() => b.claimed.length === 20);
    const next = await Promise.all(channels.map((channel) => b.publish(channel, 'next')));
    owner.signal('SIGCONT');
    await owner.until(({ orders }) => orders.length === 20);
    expect(owner.report.orders.every((order) => order.kind === 'moved' && order.stopIsSent)).toBe(true);
    expect(owner.report.stopsToSend).toEqual([]);
    expect(b.claimed.map(({ jti }) => jti).sort()).toEqual([...mine.values()].sort());
    const leases = await Promise.all(channels.map((channel) => b.registry.locate(channel)));
    expect(leases.map((found) => found?.lease.publishId)).toEqual(next.map((request) => request?.publishId));
    expect(b.orders).toEqual([]);
  });

  test('also when the channel was taken before anybody sent its stop: then it sends that itself', async () => {
    const [owner, b] = [await startProcess(), await startNode()];
    const mine = await owner.publish(['ch']);
    // After this long without a failure a node may declare another node dead.
    await delay(2 * FAST.ttlMs + 100);
    owner.signal('SIGSTOP');
    let next;
    while (next === undefined) next = await b.publish('ch', 'next');
    owner.signal('SIGCONT');
    await owner.until(({ orders }) => orders.length === 1);
    const [order] = owner.report.orders;
    // On a slow machine the sweeper may have been faster.
    const sentByOther = order?.kind === 'moved' && order.stopIsSent;
    if (!sentByOther) await owner.until(({ stopsToSend }) => stopsToSend.length === 1);
    const sent = [...owner.report.stopsToSend, ...b.claimed].map(({ jti }) => jti);
    expect(sent).toEqual([mine.get('ch')]);
    expect(await b.registry.locate('ch')).toMatchObject({ lease: { publishId: next.publishId } });
  });
});

test('the stops of a killed process are claimed by one of five others, each once', async () => {
  const others = await Promise.all(Array.from({ length: 5 }, () => startNode()));
  const killed = await startProcess();
  const mine = await killed.publish(names('ch', 300));
  await killed.kill();
  await Promise.race(others.map((node) => node.until(() => node.claimed.length === 300)));
  const claimed = others.flatMap((node) => node.claimed);
  expect(claimed.map(({ jti }) => jti).sort()).toEqual([...mine.values()].sort());
  expect(claimed.every(({ streamId, channel }) => streamId === `stream-of-${channel}`)).toBe(true);
  expect(await others[0]!.registry.locate('ch-0')).toBeUndefined();
});
