import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ACQUIRE } from '../../service/leases/redis/scripts/lease-scripts';
import { FAST, RecordingNode, type RecordingNodeOptions, leaseRequest } from '../service/leases/redis/recording-node';
import { RedisServer } from '../support/servers/redis-server';
import { SwitchedProxy } from './switched-proxy';

const servers: RedisServer[] = [];
const proxies: SwitchedProxy[] = [];
const nodes: RecordingNode[] = [];

async function startRedis(...args: string[]): Promise<RedisServer> {
  const always = ['--enable-debug-command', 'yes', '--repl-diskless-sync-delay', '0'];
  const redis = await RedisServer.start({ args: [...always, ...args] });
  servers.push(redis);
  return redis;
}

async function startProxy(redis: RedisServer): Promise<SwitchedProxy> {
  const proxy = await SwitchedProxy.start(redis.port);
  proxies.push(proxy);
  return proxy;
}

async function startNode(port: number, options: Partial<RecordingNodeOptions> = {}): Promise<RecordingNode> {
  const node = await RecordingNode.start({ port, ...options });
  nodes.push(node);
  return node;
}

/** Polls the registry, which does not announce what it holds. */
async function eventually(check: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 25_000;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error('it did not come to that');
    await delay(20);
  }
}

const holds = async (node: RecordingNode, channel: string, publishId: string | undefined): Promise<boolean> =>
  (await node.registry.locate(channel))?.lease.publishId === publishId;

const away = (...some: RecordingNode[]): Promise<void> =>
  eventually(() => some.every((node) => !node.registry.connected));
const back = (...some: RecordingNode[]): Promise<void> =>
  eventually(() => some.every((node) => node.registry.connected));

/** Long enough for a sweeper to claim the nodes that it considers dead. */
const sweepsAreOver = (): Promise<void> => delay(2 * FAST.ttlMs + 4 * FAST.beatMs);

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.registry.stop()));
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  await Promise.all(servers.splice(0).map((server) => server.remove()));
});

describe('a Redis that does not answer', () => {
  test('is reported in bounded time, streams and their stops go on, and nothing is left over', async () => {
    const redis = await startRedis();
    const [a, b] = await Promise.all([startNode(redis.port), startNode(redis.port)]);
    const first = (await a.publish('ch', 'stream-1'))!;
    const ended = (await a.publish('ended', 'stream-2'))!;
    const delivered = (await a.publish('delivered', 'stream-3'))!;
    await a.end(delivered, 'stream-3');
    const attempt = leaseRequest('other');
    await redis.withClient((client) => client.call('CLIENT', 'PAUSE', '1300'));
    expect(await a.registry.acquire(attempt)).toEqual({ kind: 'unavailable' });
    await Promise.all([
      a.registry.abandon('other', attempt.publishId),
      expect(a.end(ended, 'stream-2')).resolves.toBe(true),
      a.registry.stopDelivered(delivered.stop.jti),
    ]);
    await back(a, b);
    await eventually(() => holds(b, 'ch', first.publishId));
    await eventually(() => holds(b, 'other', undefined));
    await eventually(() => holds(b, 'ended', undefined));
    const stops = (): Promise<string[]> => redis.withClient((client) => client.hkeys(`{rtmp}:stops:${a.member}`));
    await eventually(async () => (await stops()).length === 1);
    expect(await stops()).toEqual([ended.stop.jti]);
    expect([...a.orders, ...b.orders]).toEqual([]);
  });

  test('for longer than nodes may be silent makes nobody claim anybody', async () => {
    const redis = await startRedis();
    const all = await Promise.all([startNode(redis.port), startNode(redis.port), startNode(redis.port)]);
    const streams = await Promise.all(all.map((node, i) => node.publish(`ch-${i}`, `stream-${i}`)));
    void redis.withClient((client) => client.call('DEBUG', 'SLEEP', '2.5').catch(() => undefined));
    await away(...all);
    await back(...all);
    await sweepsAreOver();
    for (const [i, stream] of streams.entries()) await eventually(() => holds(all[0], `ch-${i}`, stream?.publishId));
    expect(all.flatMap((node) => [...node.claimed, ...node.orders])).toEqual([]);
  });

  test('executes nothing any more that a connection before the present one had asked for', async () => {
    const redis = await startRedis();
    const a = await startNode(redis.port);
    await redis.withClient((client) => client.call('CLIENT', 'KILL', 'TYPE', 'normal'));
    const { id, incarnation } = a.registry.self;
    const registration = (): Promise<string | null> => redis.withClient((client) => client.get(`{rtmp}:node:${id}`));
    await eventually(async () => (await registration())?.includes('"epoch":2') === true);
    const late = leaseRequest('ch');
    const args = ['ch', late.publishId, late.keyHash, late.startedAt, JSON.stringify(late.stop), 0];
    const keys = ACQUIRE.keys({ node: id, member: a.member }, args).map((name) => `{rtmp}:${name}`);
    const from = (epoch: number) => ['{rtmp}:', id, incarnation, epoch, Date.now() * 1000, ...args];
    const replies = await redis.withClient((client) =>
      Promise.all([1, 2].map((epoch) => client.eval(ACQUIRE.lua, keys.length, ...keys, ...from(epoch)))),
    );
    expect(replies).toMatchObject([
      ['unregistered', 0],
      ['acquired', expect.any(Number), expect.any(String)],
    ]);
  });
});

describe('a Redis that comes back', () => {
  test('without its memory is told all again; of two publishers of a channel the later one ends', async () => {
    const redis = await startRedis();
    const [a, b] = await Promise.all([startNode(redis.port), startNode(redis.port)]);
    const first = (await a.publish('ch', 'stream-1'))!;
    const ended = (await a.publish('ended', 'stream-2'))!;
    await a.end(ended, 'stream-2');
    const secret = await a.registry.fleetSecret();
    await redis.kill();
    await away(a, b);
    const later = (await b.publish('ch', 'stream-3'))!;
    const early = (await b.publish('both', 'stream-4', { startedAt: Date.now() - 1000 }))!;
    const late = (await a.publish('both', 'stream-5'))!;
    const alone = (await b.publish('alone', 'stream-6'))!;
    await redis.start();
    await b.until(() => b.stopsToSend.some(({ jti }) => jti === later.stop.jti));
    await a.until(() => a.stopsToSend.some(({ jti }) => jti === late.stop.jti));
    await eventually(() => holds(b, 'ch', first.publishId));
    await eventually(() => holds(a, 'both', early.publishId));
    await eventually(() => holds(a, 'alone', alone.publishId));
    expect(b.orders).toMatchObject([
      { kind: 'moved', publishId: later.publishId, continues: false, stopIsSent: false },
    ]);
    expect(a.orders).toMatchObject([{ kind: 'moved', publishId: late.publishId, continues: false, stopIsSent: false }]);
    const stops = await redis.withClient((client) => client.hkeys(`{rtmp}:stops:${a.member}`));
    expect(stops.sort()).toEqual([ended.stop.jti, late.stop.jti].sort());
    expect(await redis.withClient((client) => client.get('{rtmp}:secret'))).toBe(secret.toString('base64'));
  });

  test('with its memory finds every stream where it was', async () => {
    const redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
    const all = await Promise.all([startNode(redis.port), startNode(redis.port)]);
    const streams = await Promise.all(all.map((node, i) => node.publish(`ch-${i}`, `stream-${i}`)));
    await redis.kill();
    await away(...all);
    const ended = streams[1]!;
    await all[1].end(ended, 'stream-1');
    await all[1].registry.stopDelivered(ended.stop.jti);
    await delay(FAST.ttlMs);
    await redis.start();
    await back(...all);
    await eventually(() => holds(all[1], 'ch-0', streams[0]?.publishId));
    await eventually(() => holds(all[0], 'ch-1', undefined));
    await sweepsAreOver();
    expect(all.flatMap((node) => [...node.claimed, ...node.orders])).toEqual([]);
    const { member } = all[1];
    await eventually(() => redis.withClient(async (client) => !(await client.exists(`{rtmp}:stops:${member}`))));
  });

  test('waits for a node that comes back later than the others, and lets it keep its streams', async () => {
    const redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
    const proxy = await startProxy(redis);
    const [a, b] = await Promise.all([startNode(proxy.port), startNode(redis.port)]);
    const first = (await a.publish('ch', 'stream-1'))!;
    const other = (await a.publish('other', 'stream-2'))!;
    await redis.kill();
    proxy.switchTo(undefined);
    await away(a, b);
    await delay(FAST.ttlMs);
    await redis.start();
    await back(b);
    // Nobody knows of the owner now, and the channel must not be denied to a publisher who may be the only one.
    const later = (await b.publish('ch', 'stream-3'))!;
    await delay(FAST.ttlMs);
    proxy.switchTo(redis.port);
    await b.until(() => b.stopsToSend.length > 0);
    expect(b.stopsToSend.map(({ jti }) => jti)).toEqual([later.stop.jti]);
    await eventually(() => holds(b, 'ch', first.publishId));
    await eventually(() => holds(b, 'other', other.publishId));
    expect(a.orders).toEqual([]);
  });

  test('as a replica that missed the last writes is told of them, and the later of two publishers ends', async () => {
    const primary = await startRedis();
    const replica = await startRedis();
    const proxy = await startProxy(primary);
    const [a, b] = await Promise.all([startNode(proxy.port), startNode(proxy.port)]);
    const ended = (await a.publish('ended', 'stream-1'))!;
    await replica.withClient(async (client) => {
      await client.replicaof('127.0.0.1', primary.port);
      await eventually(async () => (await client.get(`{rtmp}:node:${a.registry.self.id}`)) !== null);
      await eventually(async () => (await client.exists('{rtmp}:lease:ended')) === 1);
      await client.replicaof('NO', 'ONE');
    });
    const lost = (await a.publish('lost', 'stream-2'))!;
    await a.end(ended, 'stream-1');
    await a.registry.stopDelivered(ended.stop.jti);
    const fresh = (await b.publish('ended', 'stream-3'))!;
    proxy.switchTo(replica.port);
    await a.log.waitFor(/has lost writes of this node/);
    await eventually(() => holds(b, 'lost', lost.publishId));
    await eventually(() => holds(a, 'ended', fresh.publishId));
    expect([...a.orders, ...b.orders]).toEqual([]);
    expect([...a.claimed, ...b.claimed]).toEqual([]);
  });

  test('as a primary that was demoted is left for the new one', async () => {
    const [primary, replica] = [await startRedis(), await startRedis()];
    const proxy = await startProxy(primary);
    const a = await startNode(proxy.port);
    const first = (await a.publish('ch', 'stream-1'))!;
    await replica.withClient((client) => client.replicaof('127.0.0.1', primary.port));
    await eventually(() => replica.withClient(async (client) => (await client.exists('{rtmp}:lease:ch')) === 1));
    await replica.withClient((client) => client.replicaof('NO', 'ONE'));
    await primary.withClient((client) => client.replicaof('127.0.0.1', replica.port));
    await away(a);
    // The address leads to another server from now on; open connections stay open.
    proxy.redirect(replica.port);
    await back(a);
    expect(await a.publish('other', 'stream-2')).toBeDefined();
    expect(await holds(a, 'ch', first.publishId)).toBe(true);
  });
});

describe('a node that cannot reach Redis, while the others can', () => {
  test('is taken for dead: its stops are sent by another node, and its copies end when it is back', async () => {
    const redis = await startRedis();
    const proxy = await startProxy(redis);
    const a = await startNode(proxy.port);
    const b = await startNode(redis.port);
    for (const channel of ['taken', 'free']) await b.registry.watch(channel);
    const taken = (await a.publish('taken', 'stream-1'))!;
    const free = (await a.publish('free', 'stream-2'))!;
    await b.until(() => b.changed.length === 2);
    await sweepsAreOver();
    proxy.switchTo(undefined);
    await away(a);
    const meanwhile = (await a.publish('meanwhile', 'stream-3'))!;
    await b.until(() => b.claimed.length === 2);
    const next = (await b.publish('taken', 'stream-4'))!;
    proxy.switchTo(redis.port);
    await a.until(() => a.orders.length === 2);
    expect(a.orders).toMatchObject([
      { kind: 'moved', publishId: taken.publishId, continues: false, stopIsSent: true },
      { kind: 'moved', publishId: free.publishId, continues: false, stopIsSent: true },
    ]);
    expect(await a.end(taken, 'stream-1')).toBe(false);
    expect(b.claimed.map(({ streamId }) => streamId).sort()).toEqual(['stream-1', 'stream-2']);
    await eventually(() => holds(a, 'taken', next.publishId));
    await eventually(() => holds(b, 'meanwhile', meanwhile.publishId));
    expect(await a.publish('free', 'stream-5')).toBeDefined();
    expect(a.stopsToSend).toEqual([]);
  });
});
