import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { CHANGE, type ChangeArgument } from '../../service/leases/redis/scripts/life-scripts';
import { CALL_SCHEMA, type ScriptCall } from '../../service/leases/redis/scripts/registry-script';
import { FAST, LifeNode, type LifeNodeOptions } from '../service/leases/redis/life-node';
import { RedisServer } from '../support/servers/redis-server';
import { SwitchedProxy } from './switched-proxy';

const servers: RedisServer[] = [];
const proxies: SwitchedProxy[] = [];
const nodes: LifeNode[] = [];

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

async function startNode(port: number, options: Partial<LifeNodeOptions> = {}): Promise<LifeNode> {
  const node = await LifeNode.start({ port, ...options });
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

const has = async (node: LifeNode, channel: string, publish: string | undefined): Promise<boolean> =>
  (await node.store.locate(channel))?.publish === publish;

/** `jti` of all stops that the nodes have to send. */
const stopsOf = (...some: LifeNode[]): string[] => some.flatMap(({ stops }) => stops.map(({ jti }) => jti)).sort();

/** That nobody's stream has ended because of others. */
const nobodyEnded = (...some: LifeNode[]): string[] =>
  some.flatMap(({ told }) => told.filter(({ effect }) => ['replaced', 'ended'].includes(effect.kind)).map(String));

const away = (...some: LifeNode[]): Promise<void> => eventually(() => some.every((node) => !node.store.connected));
const back = (...some: LifeNode[]): Promise<void> => eventually(() => some.every((node) => node.store.connected));

/** Long enough for a sweeper to claim the nodes that it considers dead. */
const sweepsAreOver = (): Promise<void> => delay(2 * FAST.ttlMs + 4 * FAST.beatMs);

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.store.stop()));
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  await Promise.all(servers.splice(0).map((server) => server.remove()));
});

describe('a Redis that does not answer', () => {
  test('is noticed in bounded time, streams and their stops go on, and nothing is left over', async () => {
    const redis = await startRedis();
    const [a, b] = await Promise.all([startNode(redis.port), startNode(redis.port, { rejectsAlone: true })]);
    const first = await a.publish('ch', 'stream-1');
    const ended = await a.publish('ended', 'stream-2');
    const delivered = await a.publish('delivered', 'stream-3');
    await a.leave(delivered);
    await a.until(() => a.stops.length === 1);
    await redis.withClient((client) => client.call('CLIENT', 'PAUSE', '1300'));
    expect((await b.publish('other', 'stream-4')).outcome).toBe('unreachable');
    await Promise.all([a.leave(ended), a.store.stopDelivered(delivered.publish)]);
    await a.until(() => a.stops.length === 2);
    await back(a, b);
    await eventually(() => has(b, 'ch', first.publish));
    await eventually(() => has(b, 'other', undefined));
    await eventually(() => has(b, 'ended', undefined));
    const stops = (): Promise<string[]> => redis.withClient((client) => client.hkeys(`{rtmp}:stops:${a.member}`));
    await eventually(async () => (await stops()).join() === ended.publish);
    expect(nobodyEnded(a, b)).toEqual([]);
  });

  test('for longer than nodes may be silent makes nobody take anybody for dead', async () => {
    const redis = await startRedis();
    const all = await Promise.all([startNode(redis.port), startNode(redis.port), startNode(redis.port)]);
    const streams = await Promise.all(all.map((node, i) => node.publish(`ch-${i}`, `stream-${i}`)));
    void redis.withClient((client) => client.call('DEBUG', 'SLEEP', '2.5').catch(() => undefined));
    await away(...all);
    await back(...all);
    await sweepsAreOver();
    for (const [i, stream] of streams.entries()) await eventually(() => has(all[0], `ch-${i}`, stream.publish));
    expect([...nobodyEnded(...all), ...stopsOf(...all)]).toEqual([]);
  });

  test('carries out nothing any more that a connection before the present one had asked for', async () => {
    const redis = await startRedis();
    const a = await startNode(redis.port);
    await redis.withClient((client) => client.call('CLIENT', 'KILL', 'TYPE', 'normal'));
    const { id, incarnation } = a.store.self;
    const registration = (): Promise<string | null> => redis.withClient((client) => client.get(`{rtmp}:node:${id}`));
    await eventually(async () => (await registration())?.includes('"epoch":2') === true);
    const lists = { letters: [], stops: [], joins: [], leaves: [] };
    const argument: ChangeArgument = {
      ...{ channel: 'ch', seen: '', life: '{}', keepMs: 0, until: Date.now() + 60_000, mailRead: '' },
      ...lists,
      moved: false,
    };
    const names = [...CHANGE.keys({ node: id, member: a.member }, argument), 'life:ch'];
    const keys = names.map((name) => `{rtmp}:${name}`);
    const from = (epoch: number): string => {
      const call: ScriptCall = {
        ...{ schema: CALL_SCHEMA, prefix: '{rtmp}:', node: id, incarnation, epoch, now: String(Date.now() * 1000) },
        argument,
      };
      return JSON.stringify(call);
    };
    const replies = await redis.withClient((client) =>
      Promise.all([1, 2].map((epoch) => client.eval(CHANGE.lua, keys.length, ...keys, from(epoch)))),
    );
    expect(replies).toEqual([
      ['unregistered', 0],
      ['changed', expect.any(Number)],
    ]);
  });

  test('and carries a takeover out late does not: the live publisher stays', async () => {
    const redis = await startRedis();
    const policy = { takeover: true, resumes: false };
    const [a, b] = await Promise.all([
      startNode(redis.port, { policy }),
      startNode(redis.port, { policy, rejectsAlone: true }),
    ]);
    const first = await a.publish('ch', 'stream-1');
    const asked = new Promise<void>((resolve) => {
      void b.publish('ch', 'stream-2', {
        answer: () => {
          redis.suspend();
          resolve();
          return { kind: 'refused', final: false, reason: 'busy' };
        },
      });
    });
    await asked;
    await away(a, b);
    redis.resume();
    await back(a, b);
    await eventually(() => has(b, 'ch', first.publish));
    expect((await b.publish('ch', 'stream-3', { keyHash: 'another' })).outcome).toBe('busy');
    expect(nobodyEnded(a, b)).toEqual([]);
  });
});

describe('a Redis that comes back', () => {
  test('without its memory is told all again; of two publishers of a channel the later one ends', async () => {
    const redis = await startRedis();
    const [a, b] = await Promise.all([startNode(redis.port), startNode(redis.port)]);
    const first = await a.publish('ch', 'stream-1');
    const ended = await a.publish('ended', 'stream-2');
    await a.leave(ended);
    await a.until(() => a.stops.length === 1);
    const secret = await a.store.fleetSecret();
    await redis.kill();
    await away(a, b);
    const later = await b.publish('ch', 'stream-3');
    const early = await b.publish('both', 'stream-4');
    await delay(50);
    const late = await a.publish('both', 'stream-5');
    const alone = await b.publish('alone', 'stream-6');
    expect([later, early, late, alone].map(({ outcome }) => outcome)).toEqual(['letIn', 'letIn', 'letIn', 'letIn']);
    await redis.start();
    await b.until(() => b.heard(later.publish).length > 0);
    await a.until(() => a.heard(late.publish).length > 0);
    await eventually(() => has(b, 'ch', first.publish));
    await eventually(() => has(a, 'both', early.publish));
    await eventually(() => has(a, 'alone', alone.publish));
    expect([b.heard(later.publish), a.heard(late.publish)]).toEqual([['conflict'], ['conflict']]);
    await eventually(() => stopsOf(a, b).length === 3);
    expect(stopsOf(a, b)).toEqual([ended.publish, later.publish, late.publish].sort());
    expect(await redis.withClient((client) => client.get('{rtmp}:secret'))).toBe(secret.toString('base64'));
  });

  test('does not let a held channel win over a live publisher', async () => {
    const redis = await startRedis();
    const [a, b] = await Promise.all([startNode(redis.port), startNode(redis.port)]);
    const first = await a.publish('ch', 'stream-1');
    await redis.kill();
    await away(a, b);
    await a.lose(first);
    const second = await b.publish('ch', 'stream-2');
    await redis.start();
    await a.until(() => a.heard(first.publish).length > 0);
    expect([a.heard(first.publish), b.heard(second.publish)]).toEqual([['conflict'], []]);
    await eventually(() => has(a, 'ch', second.publish));
    await eventually(() => stopsOf(a, b).join() === first.publish);
  });

  test('with its memory finds every stream where it was', async () => {
    const redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
    const all = await Promise.all([startNode(redis.port), startNode(redis.port)]);
    for (const node of all) node.delivers = true;
    const streams = await Promise.all(all.map((node, i) => node.publish(`ch-${i}`, `stream-${i}`)));
    await redis.kill();
    await away(...all);
    await all[1].leave(streams[1]!);
    await all[1].until(() => all[1].stops.length === 1);
    await delay(FAST.ttlMs);
    await redis.start();
    await back(...all);
    await eventually(() => has(all[1], 'ch-0', streams[0]!.publish));
    await eventually(() => has(all[0], 'ch-1', undefined));
    await sweepsAreOver();
    expect(nobodyEnded(...all)).toEqual([]);
    expect(stopsOf(...all)).toEqual([streams[1]!.publish]);
    const { member } = all[1];
    await eventually(() => redis.withClient(async (client) => !(await client.exists(`{rtmp}:stops:${member}`))));
  });

  test('as a replica that missed the last writes is told of them', async () => {
    const primary = await startRedis();
    const replica = await startRedis();
    const proxy = await startProxy(primary);
    const [a, b] = await Promise.all([startNode(proxy.port), startNode(proxy.port)]);
    const ended = await a.publish('ended', 'stream-1');
    await replica.withClient(async (client) => {
      await client.replicaof('127.0.0.1', primary.port);
      await eventually(async () => (await client.get(`{rtmp}:node:${a.store.self.id}`)) !== null);
      await eventually(async () => (await client.exists('{rtmp}:life:ended')) === 1);
      await client.replicaof('NO', 'ONE');
    });
    const lost = await a.publish('lost', 'stream-2');
    await a.leave(ended);
    await a.until(() => a.stops.length === 1);
    await a.store.stopDelivered(ended.publish);
    const fresh = await b.publish('ended', 'stream-3');
    expect(fresh.outcome).toBe('letIn');
    proxy.switchTo(replica.port);
    await a.log.waitFor(/has lost writes of this node/);
    await eventually(() => has(b, 'lost', lost.publish));
    await eventually(() => has(a, 'ended', fresh.publish));
    expect(nobodyEnded(a, b)).toEqual([]);
  });

  test('as a primary that was demoted is left for the new one', async () => {
    const [primary, replica] = [await startRedis(), await startRedis()];
    const proxy = await startProxy(primary);
    const a = await startNode(proxy.port);
    const first = await a.publish('ch', 'stream-1');
    await replica.withClient((client) => client.replicaof('127.0.0.1', primary.port));
    await eventually(() => replica.withClient(async (client) => (await client.exists('{rtmp}:life:ch')) === 1));
    await replica.withClient((client) => client.replicaof('NO', 'ONE'));
    await primary.withClient((client) => client.replicaof('127.0.0.1', replica.port));
    await away(a);
    // The address leads to another server from now on; open connections stay open.
    proxy.redirect(replica.port);
    await back(a);
    expect((await a.publish('other', 'stream-2')).outcome).toBe('letIn');
    await eventually(() => has(a, 'other', [...a.live.keys()].at(-1)));
    expect(await has(a, 'ch', first.publish)).toBe(true);
  });
});

describe('a node that cannot reach Redis, while the others can', () => {
  test('is taken for dead: its stops are sent by another node, and its copies end when it is back', async () => {
    const redis = await startRedis();
    const proxy = await startProxy(redis);
    const a = await startNode(proxy.port);
    const b = await startNode(redis.port);
    for (const channel of ['taken', 'free']) await b.store.watch(channel);
    const taken = await a.publish('taken', 'stream-1');
    const free = await a.publish('free', 'stream-2');
    await b.until(() => b.changed.length === 2);
    await sweepsAreOver();
    proxy.switchTo(undefined);
    await away(a);
    const meanwhile = await a.publish('meanwhile', 'stream-3');
    await b.until(() => b.stops.length === 2);
    const next = await b.publish('taken', 'stream-4');
    proxy.switchTo(redis.port);
    await a.until(() => a.heard(taken.publish).length + a.heard(free.publish).length === 2);
    expect([taken, free].map(({ publish }) => a.heard(publish))).toEqual([['claimed'], ['claimed']]);
    expect(stopsOf(b)).toEqual([taken.publish, free.publish].sort());
    await eventually(() => has(a, 'taken', next.publish));
    await eventually(() => has(b, 'meanwhile', meanwhile.publish));
    expect((await a.publish('free', 'stream-5')).outcome).toBe('letIn');
    expect(a.stops).toEqual([]);
  });
});
