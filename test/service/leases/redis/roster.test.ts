import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { RedisServer, redisKinds } from '../../../support/servers/redis-server';
import { LifeNode, type LifeNodeOptions } from './life-node';

describe.each(redisKinds)('on a %s server, the fleet’s nodes', (kind) => {
  let redis: RedisServer;
  const nodes: LifeNode[] = [];

  async function startNode(id: string, options: Partial<LifeNodeOptions> = {}): Promise<LifeNode> {
    const node = await LifeNode.start({ port: redis.port, ...redis.login('service'), id, ...options });
    nodes.push(node);
    return node;
  }

  beforeAll(async () => {
    redis = await RedisServer.start({ kind });
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.store.stop()));
    await redis.withClient((client) => client.flushall());
  });
  afterAll(() => redis.remove());

  async function idsKnownTo({ store }: LifeNode): Promise<readonly string[]> {
    return (await store.nodes()).map(({ id }) => id).sort();
  }

  /** Without asking for them: renewals alone bring the changes. */
  async function untilKnown(node: LifeNode, ids: readonly string[]): Promise<void> {
    const known = (): string =>
      node.store.knownNodes
        .map(({ id }) => id)
        .sort()
        .join();
    while (known() !== ids.join()) await new Promise(setImmediate);
  }

  test('are known to those that were there before, and to those that come later', async () => {
    const a = await startNode('a');
    expect(a.store.knownNodes).toMatchObject([{ id: 'a', host: '10.0.0.1', port: 1935 }]);
    const b = await startNode('b');
    expect(b.store.knownNodes.map(({ id }) => id).sort()).toEqual(['a', 'b']);
    await untilKnown(a, ['a', 'b']);
  });

  test('are known with what has changed of them, and no longer when they have left', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')];
    await b.store.drain();
    expect((await a.store.nodes()).map(({ id, draining }) => [id, draining]).sort()).toEqual([
      ['a', false],
      ['b', true],
    ]);
    await b.store.stop();
    await untilKnown(a, ['a']);
  });

  test('are known to a new run of a node, and the former run’s end does not strike the new one', async () => {
    const b = await startNode('b');
    const former = await startNode('a');
    const anew = await startNode('a');
    await former.store.stop();
    expect(await idsKnownTo(b)).toEqual(['a', 'b']);
    expect((await b.store.nodes()).find(({ id }) => id === 'a')?.incarnation).toBe(anew.store.self.incarnation);
  });

  test('that have died are known no longer once another node has claimed their streams', async () => {
    const a = await startNode('a');
    await redis.withClient(async (client) => {
      await client.hset('{rtmp}:roster', 'dead', JSON.stringify({ id: 'dead', incarnation: 'run' }));
      await client.hset('{rtmp}:roster', '#', '1-1');
      await client.del('{rtmp}:roster-log');
      await client.sadd('{rtmp}:nodes', 'dead/run');
    });
    await untilKnown(a, ['a', 'dead']);
    await untilKnown(a, ['a']);
    await a.until(() => a.departures.length > 0);
    expect(a.departures).toEqual(['dead']);
  });

  test('that leave are told of by one node, also when it was the one that tells that has left', async () => {
    const all = [await startNode('a'), await startNode('b'), await startNode('c'), await startNode('d')];
    const told = (): readonly string[] => all.flatMap(({ departures }) => departures);
    const leave = async (leaving: LifeNode): Promise<void> => {
      await leaving.store.stop();
      const { id } = leaving.store.self;
      await Promise.race(all.map((node) => node.until(() => node.departures.includes(id))));
    };
    await leave(all[3]!);
    const teller = all.find(({ departures }) => departures.length > 0)!;
    await leave(teller);
    const [left, stays] = all.slice(0, 3).filter((node) => node !== teller);
    await leave(left!);
    // All have heard of all changes.
    await stays!.store.nodes();
    expect([...told()].sort()).toEqual([all[3]!, teller, left!].map(({ store }) => store.self.id).sort());
  });

  test('that come back with the same id before it is told have not left', async () => {
    const a = await startNode('a');
    const b = await startNode('b');
    await redis.withClient((client) => client.hset('{rtmp}:departed', 'a', 'former run'));
    await b.store.stop();
    await a.until(() => a.departures.includes('b'));
    expect(a.departures).not.toContain('a');
  });

  test('are all known again after Redis has lost its data', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')];
    await redis.withClient((client) => client.flushall());
    const c = await startNode('c');
    for (const node of [a, b, c]) await untilKnown(node, ['a', 'b', 'c']);
  });

  test('are learnt anew by a node that has missed more changes than are kept', async () => {
    const a = await startNode('a');
    await redis.withClient(async (client) => {
      await client.del('{rtmp}:roster-log');
      await client.hset('{rtmp}:roster', 'ghost', JSON.stringify({ id: 'ghost', incarnation: '1' }), '#', '1-1');
    });
    expect(await idsKnownTo(a)).toEqual(['a', 'ghost']);
  });

  test('cost a renewal the same, however many there are', async () => {
    const a = await startNode('a', { timing: { beatMs: 60_000, ttlMs: 60_000 } });
    await a.store.nodes();
    const answered = async (): Promise<number> => {
      const read = async (): Promise<number> =>
        redis.withClient(async (client) =>
          Number(/total_net_output_bytes:(\d+)/.exec(await client.info('stats'))?.[1]),
        );
      const before = await read();
      for (let i = 0; i < 10; i += 1) await a.store.nodes();
      return (await read()) - before;
    };
    const alone = await answered();
    await redis.withClient(async (client) => {
      for (let i = 0; i < 500; i += 1) await client.hset('{rtmp}:roster', `n${i}`, JSON.stringify({ id: `n${i}` }));
    });
    expect(await answered()).toBeLessThan(1.5 * alone);
  });
});
