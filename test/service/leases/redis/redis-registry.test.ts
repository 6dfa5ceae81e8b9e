import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { RedisServer, redisKinds } from '../../../support/servers/redis-server';
import type { LeaseRequest } from '../../../../service/leases/lease-registry';
import { RecordingNode, type RecordingNodeOptions, leaseRequest } from './recording-node';

describe.each(redisKinds)('on a %s server', (kind) => {
  let redis: RedisServer;
  const nodes: RecordingNode[] = [];

  async function startNode(options: Partial<RecordingNodeOptions> = {}): Promise<RecordingNode> {
    const node = await RecordingNode.start({ port: redis.port, ...redis.login('service'), ...options });
    nodes.push(node);
    return node;
  }

  beforeAll(async () => {
    // One user gets no announcements: everything essential must arrive without them.
    const deaf = 'user deaf on >pw ~{rtmp}:* resetchannels +@all';
    const everybody = kind === 'plain' ? ['user default on nopass ~* &* +@all'] : [];
    redis = await RedisServer.start({ kind, acl: [...everybody, deaf] });
  });

  function requestWithKey(channel: string): Partial<LeaseRequest> {
    const request = leaseRequest(channel);
    return { ...request, stop: { ...request.stop, key: `stream-key-of-${channel}` } };
  }

  async function recordsOf(member: string): Promise<string[]> {
    return redis.withClient(async (client) => [
      ...(await client.hvals(`{rtmp}:publishes:${member}`)),
      ...(await client.hvals(`{rtmp}:stops:${member}`)),
    ]);
  }

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.registry.stop()));
    await redis.withClient((client) => client.flushall());
  });

  afterAll(() => redis.remove());

  describe('a lease', () => {
    test('goes to the first publisher, and the others learn who has it', async () => {
      const [a, b] = await Promise.all([startNode({ id: 'a' }), startNode({ id: 'b' })]);
      const first = await a.publish('ch', 'stream-1');
      const outcome = await b.registry.acquire(leaseRequest('ch'));
      expect(outcome).toMatchObject({
        kind: 'busy',
        lease: { channel: 'ch', node: 'a', publishId: first?.publishId, state: 'live', streamId: 'stream-1' },
        owner: { id: 'a', host: '10.0.0.1', port: 1935, draining: false },
      });
      expect(await b.registry.locate('ch')).toMatchObject({
        lease: { publishId: first?.publishId },
        owner: { id: 'a' },
      });
    });

    test('that is asked for by hundreds at once goes to one', async () => {
      const all = await Promise.all([startNode(), startNode(), startNode(), startNode()]);
      const attempts = Array.from({ length: 400 }, (_, i) => all[i % 4]!.registry.acquire(leaseRequest(`ch-${i % 5}`)));
      const outcomes = await Promise.all(attempts);
      expect(outcomes.filter(({ kind }) => kind === 'acquired')).toHaveLength(5);
      expect(outcomes.filter(({ kind }) => kind === 'busy')).toHaveLength(395);
    });

    test('is free again when the stream ended, and those who watch the channel hear of both', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      await b.registry.watch('ch');
      const first = (await a.publish('ch', 'stream-1'))!;
      await b.until(() => b.changed.length === 1);
      expect(await a.end(first, 'stream-1')).toBe(true);
      await b.until(() => b.changed.length === 2);
      expect(b.changed).toEqual(['ch', 'ch']);
      expect(await b.registry.locate('ch')).toBeUndefined();
      expect(await b.publish('ch', 'stream-2')).toBeDefined();
    });

    test('of a publisher that was refused is free again, and no stop is due', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const refused = leaseRequest('ch');
      await a.registry.acquire(refused);
      await a.registry.abandon('ch', refused.publishId);
      expect(await b.publish('ch', 'stream-2')).toBeDefined();
      await a.registry.stop();
      expect(await redis.keys('{rtmp}:*:' + a.member)).toEqual([]);
    });

    test('of a lost publisher says so, and where the stream is to go on', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const first = (await a.publish('ch', 'stream-1'))!;
      await a.registry.hold('ch', first.publishId, 4_000_000_000);
      const found = await b.registry.locate('ch');
      expect(found?.lease).toMatchObject({ state: 'held', streamId: 'stream-1', lastTimestamp: 4_000_000_000 });
    });

    test('says whether the publishId keeps the channel that it took over', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const first = (await a.publish('ch', 'stream-1'))!;
      const keeps = async (): Promise<boolean | undefined> => (await b.registry.locate('ch'))?.lease.keeps;
      expect(await keeps()).toBe(false);
      await a.registry.keep('ch', first.publishId, true);
      expect(await keeps()).toBe(true);
      expect(await b.registry.acquire(leaseRequest('ch'))).toMatchObject({ kind: 'busy', lease: { keeps: true } });
      await b.registry.keep('ch', leaseRequest('ch').publishId, false);
      expect(await keeps()).toBe(true);
      await a.registry.keep('ch', first.publishId, false);
      expect(await keeps()).toBe(false);
    });

    test('says by which start its stream began, and when', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const request = leaseRequest('ch');
      const began = { startJti: 'start-1', beganAt: 1_700_000_000_123 };
      await a.registry.acquire({ ...request, stop: { ...request.stop, ...began } });
      await a.registry.confirm('ch', request.publishId, { streamId: 'stream-1', playKeyHash: '' });
      expect(await b.registry.locate('ch')).toMatchObject({ lease: began });
    });

    test('that came to nothing is announced to nobody', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      for (const channel of ['refused', 'ch']) await b.registry.watch(channel);
      const refused = leaseRequest('refused');
      await a.registry.acquire(refused);
      await a.registry.abandon('refused', refused.publishId);
      await a.publish('ch', 'stream-1');
      await b.until(() => b.changed.includes('ch'));
      expect(b.changed).toEqual(['ch']);
    });

    test('is announced to those alone who wait for its channel', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      for (const channel of ['waited for', 'former', 'last']) await b.registry.watch(channel);
      b.registry.unwatch(['former']);
      // The requests of one connection are executed in order.
      await b.registry.watch('now subscribed');
      for (const channel of ['other', 'former', 'waited for', 'last']) await a.publish(channel, 'id');
      await b.until(() => b.changed.includes('last'));
      expect([a.changed, b.changed]).toEqual([[], ['waited for', 'last']]);
    });

    test('is shown with an owner that is draining', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      await a.publish('ch', 'stream-1');
      await a.registry.drain();
      expect(await b.registry.locate('ch')).toMatchObject({ owner: { draining: true } });
      expect((await b.registry.nodes()).map(({ draining }) => draining).sort()).toEqual([false, true]);
    });
  });

  describe('a replacement', () => {
    test.each(['with', 'without'])(
      'that continues the stream leaves no stop to the former node, %s announcements',
      async (how) => {
        const login = how === 'with' ? {} : { username: 'deaf', password: 'pw' };
        const [a, b] = await Promise.all([startNode(login), startNode(login)]);
        const first = (await a.publish('ch', 'stream-1'))!;
        const second = leaseRequest('ch');
        expect(await b.registry.acquire(second)).toMatchObject({ kind: 'busy' });
        await b.registry.announce(second);
        expect(await b.registry.replace(second, first.publishId, true)).toBe(true);
        expect(await b.registry.confirm('ch', second.publishId, { streamId: 'stream-1', playKeyHash: '' })).toBe(true);
        await a.until(() => a.orders.length > 0);
        const moved = { kind: 'moved', channel: 'ch', publishId: first.publishId, continues: true, stopIsSent: false };
        expect(a.orders).toEqual([moved]);
        expect(await a.end(first, 'stream-1')).toBe(false);
        expect(await a.registry.locate('ch')).toMatchObject({ lease: { publishId: second.publishId, state: 'live' } });
      },
    );

    test('by another stream leaves the stop to the former node', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const first = (await a.publish('ch', 'stream-1'))!;
      const second = leaseRequest('ch');
      await b.registry.acquire(second);
      expect(await b.registry.replace(second, first.publishId, false)).toBe(true);
      await b.registry.confirm('ch', second.publishId, { streamId: 'stream-2', playKeyHash: '' });
      await a.until(() => a.orders.length > 0);
      expect(a.orders).toMatchObject([{ kind: 'moved', continues: false, stopIsSent: false }]);
      await a.until(() => a.stopsToSend.length === 1);
      expect(a.stopsToSend).toEqual([{ ...first.stop, streamId: 'stream-1' }]);
      expect(await b.registry.locate('ch')).toMatchObject({ lease: { publishId: second.publishId } });
    });

    test('is had by one of many who want it', async () => {
      const all = await Promise.all([startNode(), startNode(), startNode(), startNode()]);
      const first = (await all[0].publish('ch', 'stream-1'))!;
      const attempts = Array.from({ length: 40 }, (_, i) =>
        all[i % 4]!.registry.replace(leaseRequest('ch'), first.publishId, true),
      );
      expect((await Promise.all(attempts)).filter((replaced) => replaced)).toHaveLength(1);
    });

    test('comes to nothing when the stream has ended meanwhile', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const first = (await a.publish('ch', 'stream-1'))!;
      const second = leaseRequest('ch');
      await b.registry.acquire(second);
      await a.end(first, 'stream-1');
      expect(await b.registry.replace(second, first.publishId, true)).toBe(false);
      expect(await b.registry.locate('ch')).toBeUndefined();
    });

    test('by a publisher of the same node tells that node itself', async () => {
      const a = await startNode();
      const first = (await a.publish('ch', 'stream-1'))!;
      const second = leaseRequest('ch');
      await a.registry.acquire(second);
      expect(await a.registry.replace(second, first.publishId, false)).toBe(true);
      await a.until(() => a.stopsToSend.length === 1);
      expect(a.orders).toHaveLength(1);
    });
  });

  describe('the stops of a node that is gone', () => {
    test('are another node’s: of live streams, of starts being decided, of announced ones and pending ones', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      await b.registry.watch('live');
      const ended = (await a.publish('ended', 'stream-1'))!;
      await a.end(ended, 'stream-1');
      const live = (await a.publish('live', 'stream-2'))!;
      const starting = leaseRequest('starting');
      await a.registry.acquire(starting);
      const other = (await b.publish('taken', 'stream-3'))!;
      const announced = leaseRequest('taken');
      await a.registry.acquire(announced);
      await a.registry.announce(announced);
      const delivered = (await a.publish('delivered', 'stream-4'))!;
      await a.end(delivered, 'stream-4');
      await a.registry.stopDelivered(delivered.stop.jti);
      await a.registry.stop();
      await b.until(() => b.claimed.length >= 4);
      const expected = [
        { ...ended.stop, streamId: 'stream-1' },
        { ...live.stop, streamId: 'stream-2' },
      ];
      expect(b.claimed).toHaveLength(4);
      expect(b.claimed).toEqual(expect.arrayContaining([...expected, starting.stop, announced.stop]));
      expect(await b.registry.locate('live')).toBeUndefined();
      expect(await b.registry.locate('taken')).toMatchObject({ lease: { publishId: other.publishId } });
      expect(b.changed).toContain('live');
      for (const { jti } of b.claimed) await b.registry.stopDelivered(jti);
      const leftOvers = await redis.keys(`*${a.member}`);
      expect(leftOvers).toEqual([]);
    });

    test('lie in Redis without stream keys, and are sent with them also after the secret has changed', async () => {
      const [a, b] = await Promise.all([startNode({ secret: 'old' }), startNode({ secret: 'old' })]);
      const live = (await a.publish('live', 'stream-1', requestWithKey('live')))!;
      const ended = (await a.publish('ended', 'stream-2', requestWithKey('ended')))!;
      await a.end(ended, 'stream-2');
      const everything = async (): Promise<string> => {
        const names = await redis.keys('*');
        return redis.withClient(async (client) => {
          const dumps = await Promise.all(names.map((name) => client.dumpBuffer(name)));
          return Buffer.concat(dumps).toString('latin1');
        });
      };
      expect(await everything()).not.toContain('stream-key-of');
      for (const node of [a, b]) node.keys.use('new');
      await b.registry.stop();
      const anew = await startNode({ secret: 'new' });
      // The node writes its leases again with its next renewal.
      const heldBy = async (): Promise<string> => JSON.stringify(await recordsOf(a.member));
      const id = a.keys.current!.id;
      while ((await heldBy()).split(id).length < 3);
      await a.registry.stop();
      await anew.until(() => anew.claimed.length === 2);
      expect(anew.claimed.map(({ jti, key }) => [jti, key]).sort()).toEqual(
        [live, ended].map(({ stop }) => [stop.jti, stop.key]).sort(),
      );
    });

    test('are claimed once, by one of many, in parts', async () => {
      const [dead, ...others] = await Promise.all(Array.from({ length: 6 }, () => startNode()));
      const channels = Array.from({ length: 450 }, (_, i) => `ch-${i}`);
      const streams = await Promise.all(channels.map((channel) => dead!.publish(channel, `id-${channel}`)));
      await dead!.registry.stop();
      await Promise.race(others.map((node) => node.until(() => node.claimed.length === 450)));
      const claimed = others.flatMap((node) => node.claimed.map(({ jti }) => jti));
      expect(claimed.sort()).toEqual(streams.map((stream) => stream!.stop.jti).sort());
    });
  });

  describe('a node', () => {
    test('shares one secret with the others, and finds them', async () => {
      const all = await Promise.all(['a', 'b', 'c'].map((id) => startNode({ id })));
      const secrets = await Promise.all(all.map(({ registry }) => registry.fleetSecret()));
      expect(new Set(secrets.map(String)).size).toBe(1);
      expect(secrets[0]).toHaveLength(32);
      expect((await all[0]!.registry.nodes()).map(({ id }) => id).sort()).toEqual(['a', 'b', 'c']);
    });

    test('that is started anew under its id is another one: the former can take nothing any more', async () => {
      const former = await startNode({ id: 'a' });
      await former.publish('old', 'stream-1');
      const b = await startNode({ id: 'b' });
      const anew = await startNode({ id: 'a' });
      expect(await b.registry.locate('old')).toBeUndefined();
      expect(await former.registry.acquire(leaseRequest('ch'))).toEqual({ kind: 'unavailable' });
      await former.log.waitFor(/another node has the same id/);
      expect(await anew.publish('ch', 'stream-2')).toBeDefined();
      expect((await b.registry.nodes()).map(({ incarnation }) => incarnation).sort()).toEqual(
        [b, anew].map(({ registry }) => registry.self.incarnation).sort(),
      );
    });

    test('connects with a password that is kept elsewhere, when it is started and the password is known', async () => {
      await redis.withClient((client) => client.call('ACL', 'SETUSER', 'kept', 'on', '>pw', '~*', '&*', '+@all'));
      const followers: ((password: string) => void)[] = [];
      const follow = (follower: (password: string) => void): (() => void) => {
        followers.push(follower);
        return () => undefined;
      };
      const passwordFrom = { follow, renew: () => Promise.resolve(undefined) };
      const node = new RecordingNode({ port: redis.port, username: 'kept', passwordFrom });
      nodes.push(node);
      const started = node.registry.start(node);
      for (const tell of followers) tell('pw');
      await started;
      expect(await node.publish('ch', 'stream-1')).toBeDefined();
      expect(node.registry.connected).toBe(true);
    });

    test('needs no announcements, no key outside the prefix, no INFO and no SCRIPT', async () => {
      const rights = '+eval +evalsha +subscribe +ping +publish +time +get +set +del +exists +expire +pttl';
      const ofHashes = '+hget +hset +hdel +hgetall +hkeys +hincrby +hrandfield';
      const ofOthers = '+sadd +srem +smembers +sismember +xadd +xrange +xtrim';
      await redis.withClient((client) =>
        client.call(
          'ACL',
          'SETUSER',
          'few',
          'on',
          '>pw',
          '~{rtmp}:*',
          'resetchannels',
          '&{rtmp}:*',
          '-@all',
          ...`${rights} ${ofHashes} ${ofOthers}`.split(' '),
        ),
      );
      const few = { username: 'few', password: 'pw' };
      const [a, b] = await Promise.all([startNode(few), startNode(few)]);
      const first = (await a.publish('ch', 'stream-1'))!;
      const second = leaseRequest('ch');
      await b.registry.acquire(second);
      expect(await b.registry.replace(second, first.publishId, false)).toBe(true);
      await a.until(() => a.stopsToSend.length === 1);
      await b.registry.remember({ verb: 'block', channel: 'ch', seconds: 60 });
      await b.registry.remember({ verb: 'unblock', channel: 'ch' });
      await b.registry.remember({ verb: 'drain', node: a.registry.self.id });
      await a.until(() => a.orders.length === 2);
      await a.registry.stopDelivered(first.stop.jti);
      await b.registry.stop();
      await a.until(() => a.claimed.length === 1);
      expect([...a.log.matching(/NOPERM/), ...b.log.matching(/NOPERM/)]).toEqual([]);
    });
  });
});
