import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { RedisServer, redisKinds } from '../../../support/servers/redis-server';
import { RecordingNode, leaseRequest } from './recording-node';

describe.each(redisKinds)('on a %s server', (kind) => {
  let redis: RedisServer;
  const nodes: RecordingNode[] = [];

  async function startNode(id?: string): Promise<RecordingNode> {
    const node = await RecordingNode.start({
      port: redis.port,
      ...redis.login('service'),
      ...(id !== undefined && { id }),
    });
    nodes.push(node);
    return node;
  }

  const live = (streamId: string) => ({ streamId, playKeyHash: '' });

  beforeAll(async () => {
    redis = await RedisServer.start({ kind });
  });

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.registry.stop()));
    await redis.withClient((client) => client.flushall());
  });

  afterAll(() => redis.remove());

  describe('a block', () => {
    test('keeps publishers out on every node until it is lifted', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      await a.registry.remember({ verb: 'block', channel: 'ch', seconds: 600 });
      expect(await b.registry.acquire(leaseRequest('ch'))).toEqual({ kind: 'blocked', seconds: 600 });
      expect(await b.publish('other', 'stream-1')).toBeDefined();
      const lifted = [a, b].map(({ registry }) => registry.remember({ verb: 'unblock', channel: 'ch' }));
      expect((await Promise.all(lifted)).filter((found) => found)).toHaveLength(1);
      expect(await b.registry.remember({ verb: 'unblock', channel: 'never-blocked' })).toBe(false);
      expect(await a.publish('ch', 'stream-2')).toBeDefined();
    });

    test('is over after its time', async () => {
      const a = await startNode();
      await a.registry.remember({ verb: 'block', channel: 'ch', seconds: 1 });
      let outcome = await a.registry.acquire(leaseRequest('ch'));
      expect(outcome).toEqual({ kind: 'blocked', seconds: 1 });
      while (outcome.kind === 'blocked') outcome = await a.registry.acquire(leaseRequest('ch'));
      expect(outcome.kind).toBe('acquired');
    });

    test('that many nodes hear lasts as long as one that a single node heard', async () => {
      const all = await Promise.all([startNode(), startNode(), startNode()]);
      const heard = all.map(({ registry }) => registry.remember({ verb: 'block', channel: 'ch', seconds: 600 }));
      expect((await Promise.all(heard)).filter((first) => first)).toHaveLength(1);
    });

    test('keeps a publisher out that wants to replace another one', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const first = (await a.publish('ch', 'stream-1'))!;
      await a.registry.remember({ verb: 'block', channel: 'ch', seconds: 600 });
      expect(await b.registry.replace(leaseRequest('ch'), first.publishId, true)).toBe(false);
    });
  });

  describe('a kill', () => {
    test('ends a publish that was being decided on, not the next one', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const deciding = leaseRequest('ch');
      await a.registry.acquire(deciding);
      await b.registry.remember({ verb: 'kill-session', channel: 'ch' });
      expect(await a.registry.confirm('ch', deciding.publishId, live('stream-1'))).toBe(false);
      expect(await a.end(deciding, 'stream-1')).toBe(true);
      expect(await a.publish('ch', 'stream-2')).toBeDefined();
      expect(await b.registry.locate('ch')).toMatchObject({ lease: { streamId: 'stream-2' } });
    });

    test('ends one that waited to replace another', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const first = (await a.publish('ch', 'stream-1'))!;
      const second = leaseRequest('ch');
      await b.registry.acquire(second);
      await b.registry.announce(second);
      await a.registry.remember({ verb: 'kill-session', channel: 'ch' });
      await b.registry.replace(second, first.publishId, false);
      expect(await b.registry.confirm('ch', second.publishId, live('stream-2'))).toBe(false);
    });

    test('ends one that found the channel taken before, and free after it', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const first = (await a.publish('ch', 'stream-1'))!;
      const second = leaseRequest('ch');
      expect(await b.registry.acquire(second)).toMatchObject({ kind: 'busy' });
      await a.registry.remember({ verb: 'kill-session', channel: 'ch' });
      await a.end(first, 'stream-1');
      expect(await b.registry.acquire(second)).toEqual({ kind: 'acquired' });
      expect(await b.registry.confirm('ch', second.publishId, live('stream-2'))).toBe(false);
    });

    test('of one stream id leaves another one alone', async () => {
      const a = await startNode();
      const [one, other] = [leaseRequest('one'), leaseRequest('other')];
      await a.registry.acquire(one);
      await a.registry.acquire(other);
      await a.registry.remember({ verb: 'close-stream', channel: 'one', streamIds: ['stream-1'] });
      await a.registry.remember({ verb: 'close-stream', channel: 'other', streamIds: ['stream-1'] });
      expect(await a.registry.confirm('one', one.publishId, live('stream-1'))).toBe(false);
      expect(await a.registry.confirm('other', other.publishId, live('stream-2'))).toBe(true);
    });

    test('that a node did not hear reaches it when it listens again, and does not hit later streams', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      await a.publish('before', 'stream-1');
      await b.registry.remember({ verb: 'kill-session', channel: 'before' });
      await b.registry.remember({ verb: 'close-stream', channel: 'after', streamIds: ['stream-2'] });
      await a.publish('after', 'stream-2');
      await a.registry.redeliverCommands();
      await a.until(() => a.orders.length > 0);
      expect(a.orders).toEqual([{ kind: 'command', text: 'kill-session>before' }]);
    });

    test('that an operator has written down himself counts, too', async () => {
      const a = await startNode();
      await a.publish('ch', 'stream-1');
      const order = `${(Date.now() + 50) * 1000} kill-session>ch`;
      await redis.withClient((client) => client.set('{rtmp}:order:ch', order, 'EX', 600));
      await a.registry.redeliverCommands();
      await a.until(() => a.orders.length > 0);
      expect(a.orders).toEqual([{ kind: 'command', text: 'kill-session>ch' }]);
    });
  });

  test('an order to drain reaches its node once, however many heard it', async () => {
    const [a, b, c] = await Promise.all([startNode('a'), startNode('b'), startNode('c')]);
    await Promise.all([b, c].map(({ registry }) => registry.remember({ verb: 'drain', node: 'a' })));
    await a.until(() => a.orders.length > 0);
    await a.registry.drain();
    expect(a.orders).toEqual([{ kind: 'command', text: 'drain>a' }]);
  });
});
