import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { LifeNode } from '../service/leases/redis/life-node';
import { RedisServer } from '../support/servers/redis-server';
import { RegistryProcess } from './registry-process';

let redis: RedisServer;
const processes: RegistryProcess[] = [];
const nodes: LifeNode[] = [];

async function startProcess(): Promise<RegistryProcess> {
  const node = await RegistryProcess.start(redis.port);
  processes.push(node);
  return node;
}

async function startNode(): Promise<LifeNode> {
  const node = await LifeNode.start({ port: redis.port });
  nodes.push(node);
  return node;
}

beforeAll(async () => {
  redis = await RedisServer.start();
});

afterEach(async () => {
  await Promise.all(processes.splice(0).map((node) => node.kill()));
  await Promise.all(nodes.splice(0).map((node) => node.store.stop()));
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
  expect(all.flatMap(({ report }) => report.ended)).toEqual([]);
});

describe('a process that stands still for longer than nodes may be silent', () => {
  test('finds its channels taken and its stops sent when it goes on, and ends its copies', async () => {
    const [owner, b] = [await startProcess(), await startNode()];
    const channels = names('ch', 20);
    const mine = await owner.publish(channels);
    expect(mine.size).toBe(20);
    owner.signal('SIGSTOP');
    await b.until(() => b.stops.length === 20);
    const next = await Promise.all(channels.map((channel) => b.publish(channel, 'next')));
    owner.signal('SIGCONT');
    await owner.until(({ ended }) => ended.length === 20);
    expect(owner.report.ended.map(([, how]) => how)).toEqual(Array.from({ length: 20 }, () => 'claimed'));
    expect(owner.report.stops).toEqual([]);
    expect(b.stops.map(({ jti }) => jti).sort()).toEqual([...mine.values()].sort());
    const found = await Promise.all(channels.map((channel) => b.store.locate(channel)));
    expect(found.map((location) => location?.publish)).toEqual(next.map(({ publish }) => publish));
    expect([...b.live]).toHaveLength(20);
  });
});

test('the stops of a killed process are sent by one of five others, each once', async () => {
  const others = await Promise.all(Array.from({ length: 5 }, () => startNode()));
  for (const node of others) node.delivers = true;
  const killed = await startProcess();
  const mine = await killed.publish(names('ch', 300));
  await killed.kill();
  await Promise.race(others.map((node) => node.until(() => node.stops.length === 300)));
  const sent = others.flatMap((node) => node.stops);
  expect(sent.map(({ jti }) => jti).sort()).toEqual([...mine.values()].sort());
  expect(sent.every(({ streamId, channel }) => streamId === `stream-of-${channel}`)).toBe(true);
  expect(await others[0]!.store.locate('ch-0')).toBeUndefined();
});
