import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Answer } from '../../../../service/publishing/life-events';
import { RedisServer, redisKinds } from '../../../support/servers/redis-server';
import { FAST, LifeNode, type LifeNodeOptions } from './life-node';

/** An answer of the handler that the test gives when it wants. */
function laterAnswer(): { readonly answer: () => Promise<Answer>; readonly accept: (streamId: string) => void } {
  let give: (answer: Answer) => void = () => undefined;
  const promise = new Promise<Answer>((resolve) => (give = resolve));
  return {
    answer: () => promise,
    accept: (streamId) => give({ kind: 'accepted', streamId, playKeyHash: '' }),
  };
}

describe.each(redisKinds)('on a %s server', (kind) => {
  let redis: RedisServer;
  const nodes: LifeNode[] = [];

  async function startNode(options: Partial<LifeNodeOptions> = {}): Promise<LifeNode> {
    const node = await LifeNode.start({ port: redis.port, ...redis.login('service'), ...options });
    nodes.push(node);
    return node;
  }

  beforeAll(async () => {
    // One user gets no announcements: everything essential must arrive without them.
    const deaf = 'user deaf on >pw ~{rtmp}:* resetchannels +@all';
    const everybody = kind === 'plain' ? ['user default on nopass ~* &* +@all'] : [];
    redis = await RedisServer.start({ kind, acl: [...everybody, deaf] });
  });

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.store.stop()));
    await redis.withClient((client) => client.flushall());
  });

  afterAll(() => redis.remove());

  describe('a channel', () => {
    test('is the first publisher’s, and others learn where it is', async () => {
      const [a, b] = await Promise.all([startNode({ id: 'a' }), startNode({ id: 'b' })]);
      const { publish, outcome } = await a.publish('ch', 'stream-1');
      expect(outcome).toBe('letIn');
      expect((await b.publish('ch', 'stream-2')).outcome).toBe('busy');
      expect(await b.store.locate('ch')).toEqual({
        channel: 'ch',
        publish,
        streamId: 'stream-1',
        playKeyHash: 'hash-of-play-key',
        owner: { ...a.store.self },
      });
    });

    test('that hundreds want at once is one publisher’s', async () => {
      const all = await Promise.all([startNode(), startNode(), startNode(), startNode()]);
      const attempts = Array.from({ length: 200 }, (_, i) => all[i % 4]!.publish(`ch-${i % 20}`, `id-${i}`));
      const outcomes = (await Promise.all(attempts)).map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === 'letIn')).toHaveLength(20);
      expect(outcomes.every((outcome) => ['letIn', 'busy', 'crowded'].includes(outcome))).toBe(true);
    });

    test('is free again when the stream has ended, those who watch hear of both, and nothing is left', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      await b.store.watch('ch');
      const first = await a.publish('ch', 'stream-1');
      await b.until(() => b.changed.length === 1);
      await a.leave(first);
      await b.until(() => b.changed.length === 2);
      expect(await b.store.locate('ch')).toBeUndefined();
      await a.until(() => a.stops.length === 1);
      await a.store.stopDelivered(a.stops[0]!.jti);
      expect(await redis.keys('{rtmp}:life:*')).toEqual([]);
      expect(await redis.keys('{rtmp}:stops:*')).toEqual([]);
    });

    test('whose publisher was refused leaves nothing and is announced to nobody', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      for (const channel of ['refused', 'ch']) await b.store.watch(channel);
      const no: Answer = { kind: 'refused', final: true, reason: 'no' };
      expect((await a.publish('refused', '', { answer: () => no })).outcome).toBe('refused');
      await a.publish('ch', 'stream-1');
      await b.until(() => b.changed.includes('ch'));
      expect(b.changed).toEqual(['ch']);
      expect(await redis.keys('{rtmp}:life:refused')).toEqual([]);
    });

    test('is announced to those alone who wait for it', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      for (const channel of ['waited for', 'former', 'last']) await b.store.watch(channel);
      b.store.unwatch(['former']);
      // The requests of one connection are executed in order.
      await b.store.watch('now subscribed');
      for (const channel of ['other', 'former', 'waited for', 'last']) await a.publish(channel, 'id');
      await b.until(() => b.changed.includes('last'));
      expect([a.changed, b.changed]).toEqual([[], ['waited for', 'last']]);
    });

    test('has its candidates of all nodes asked about one after another', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const first = laterAnswer();
      const attempt = a.publish('ch', '', { answer: first.answer });
      await a.until(() => a.told.some(({ effect }) => effect.kind === 'ask'));
      const second = b.publish('ch', 'stream-2');
      const third = await b.publish('other', 'stream-3');
      expect(third.outcome).toBe('letIn');
      expect(b.told.filter(({ channel }) => channel === 'ch')).toEqual([]);
      first.accept('stream-1');
      expect([(await attempt).outcome, (await second).outcome]).toEqual(['letIn', 'busy']);
    });

    test('is shown with an owner that is draining, and goes to another node with its id', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const { publish } = await a.publish('ch', 'stream-1');
      await a.store.drain();
      expect((await b.store.locate('ch'))?.owner.draining).toBe(true);
      let offered: string | undefined;
      const next = await b.publish('ch', 'stream-1', {
        answer: ({ resume }) => {
          offered = resume;
          return { kind: 'accepted', streamId: 'stream-1', playKeyHash: '' };
        },
      });
      expect([next.outcome, offered]).toEqual(['letIn', 'stream-1']);
      await a.until(() => a.heard(publish).length > 0);
      expect(a.heard(publish)).toEqual(['continued']);
      expect([...a.stops, ...b.stops]).toEqual([]);
    });
  });

  describe('a held stream', () => {
    test.each(['with', 'without'])('is continued on another node, %s announcements', async (how) => {
      const login = how === 'with' ? {} : { username: 'deaf', password: 'pw' };
      const [a, b] = await Promise.all([startNode(login), startNode(login)]);
      const first = await a.publish('ch', 'stream-1');
      await a.lose(first);
      expect((await b.publish('ch', 'stream-1')).outcome).toBe('letIn');
      await a.until(() => a.heard(first.publish).length > 0);
      expect(a.heard(first.publish)).toEqual(['continued']);
      expect(a.stops).toEqual([]);
    });

    test('that another stream replaces gets its stop, from the node that replaced it', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const first = await a.publish('ch', 'stream-1', { key: 'of-first' });
      await a.lose(first);
      await b.publish('ch', 'stream-2');
      await b.until(() => b.stops.length === 1);
      expect(b.stops).toEqual([
        {
          jti: first.publish,
          channel: 'ch',
          key: 'of-first',
          clientIp: '192.0.2.1',
          query: 'a=b',
          streamId: 'stream-1',
          startJti: `start-${first.publish}`,
        },
      ]);
    });
  });

  describe('a node that is gone', () => {
    test('has its stops sent by another one: of live streams, of starts that are out and pending ones', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      await a.leave(await a.publish('ended', 'stream-1'));
      await a.publish('live', 'stream-2');
      void a.publish('out', '', { answer: () => new Promise(() => undefined) });
      await a.until(() => a.told.some(({ channel, effect }) => channel === 'out' && effect.kind === 'ask'));
      const delivered = await a.publish('delivered', 'stream-4');
      await a.leave(delivered);
      await a.until(() => a.stops.length === 2);
      await a.store.stopDelivered(delivered.publish);
      await a.store.stop();
      await b.until(() => b.stops.length >= 3);
      expect(b.stops.map(({ channel, streamId }) => `${channel} ${streamId}`).sort()).toEqual([
        'ended stream-1',
        'live stream-2',
        'out ',
      ]);
      expect(b.stops.every(({ startJti, jti, key }) => startJti === `start-${jti}` && key === 'key')).toBe(true);
      expect(await b.store.locate('live')).toBeUndefined();
      for (const { jti } of b.stops) await b.store.stopDelivered(jti);
      const leftOvers = async (): Promise<string[]> => redis.keys(`*${a.member}`);
      while ((await leftOvers()).length > 0);
    });

    test('makes room at once, as soon as its registration is over', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      await a.publish('ch', 'stream-1');
      // After this long without a failure a node may take another node for dead.
      await new Promise((resolve) => setTimeout(resolve, 2 * FAST.ttlMs + 300));
      await a.store.stop();
      expect((await b.publish('ch', 'stream-2', { keyHash: 'another' })).outcome).toBe('letIn');
    });

    test('leaves hundreds of stops, which one of many sends, each once', async () => {
      const [dead, ...others] = await Promise.all(Array.from({ length: 4 }, () => startNode()));
      for (const node of others) node.delivers = true;
      const channels = Array.from({ length: 450 }, (_, i) => `ch-${i}`);
      const streams = await Promise.all(channels.map((channel) => dead!.publish(channel, `id-${channel}`)));
      for (const stream of streams.slice(0, 300)) await dead!.leave(stream);
      await dead!.store.stop();
      await Promise.race(others.map((node) => node.until(() => node.stops.length === 450)));
      const sent = others.flatMap((node) => node.stops.map(({ jti }) => jti));
      expect(sent.sort()).toEqual(streams.map(({ publish }) => publish).sort());
    });
  });

  describe('stream keys', () => {
    test('do not stand in Redis, and stops have them also after the secret has changed', async () => {
      const [a, b] = await Promise.all([startNode({ secret: 'old' }), startNode({ secret: 'old' })]);
      const live = await a.publish('live', 'stream-1', { key: 'stream-key-of-live' });
      const ended = await a.publish('ended', 'stream-2', { key: 'stream-key-of-ended' });
      await a.leave(ended);
      const everything = (): Promise<string> =>
        redis.withClient(async (client) => {
          const dumps = await Promise.all((await redis.keys('*')).map((name) => client.dumpBuffer(name)));
          return Buffer.concat(dumps).toString('latin1');
        });
      expect(await everything()).not.toContain('stream-key-of');
      for (const node of [a, b]) node.keys.use('new');
      await b.store.stop();
      const next = await startNode({ secret: 'new' });
      const id = a.keys.current!.id;
      const records = (): Promise<string> =>
        redis.withClient(async (client) => {
          return `${await client.get('{rtmp}:life:live')} ${(await client.hvals(`{rtmp}:stops:${a.member}`)).join()}`;
        });
      while ((await records()).split(id).length < 3);
      await a.store.stop();
      await next.until(() => next.stops.length === 2);
      expect(next.stops.map(({ jti, key }) => [jti, key]).sort()).toEqual(
        [
          [live.publish, 'stream-key-of-live'],
          [ended.publish, 'stream-key-of-ended'],
        ].sort(),
      );
    });
  });

  describe('an operator’s command', () => {
    test('block keeps publishers out on every node until unblock, and both are reported once', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const block = { verb: 'block', channel: 'ch', seconds: 600 } as const;
      const heard = await Promise.all([a, b].map(({ store }) => store.remember(block)));
      expect(heard.filter((first) => first)).toHaveLength(1);
      expect((await b.publish('ch', 'stream-1')).outcome).toBe('blocked');
      expect((await a.publish('ch', 'stream-1')).outcome).toBe('blocked');
      expect((await b.publish('other', 'stream-1')).outcome).toBe('letIn');
      const lifted = [a, b].map(({ store }) => store.remember({ verb: 'unblock', channel: 'ch' }));
      expect((await Promise.all(lifted)).filter((found) => found)).toHaveLength(1);
      expect(await b.store.remember({ verb: 'unblock', channel: 'never-blocked' })).toBe(false);
      expect((await a.publish('ch', 'stream-2')).outcome).toBe('letIn');
    });

    test('block is over after its time, and nothing is left', async () => {
      const a = await startNode();
      await a.store.remember({ verb: 'block', channel: 'ch', seconds: 1 });
      expect((await a.publish('ch', 'stream-1')).outcome).toBe('blocked');
      while ((await redis.keys('{rtmp}:life:ch')).length > 0);
      expect((await a.publish('ch', 'stream-1')).outcome).toBe('letIn');
    });

    test('kill ends a start that is out, not the publisher after it', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const first = laterAnswer();
      const attempt = a.publish('ch', '', { answer: first.answer });
      await a.until(() => a.told.some(({ effect }) => effect.kind === 'ask'));
      await b.store.remember({ verb: 'kill-session', channel: 'ch' });
      expect((await attempt).outcome).toBe('killed');
      first.accept('stream-1');
      expect((await a.publish('ch', 'stream-2')).outcome).toBe('letIn');
      await a.until(() => a.stops.length === 1);
      expect(a.stops[0]).toMatchObject({ streamId: 'stream-1' });
    });

    test('kill ends the stream of a node that did not hear it, which is told of the command', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const { publish } = await a.publish('ch', 'stream-1');
      await b.store.remember({ verb: 'kill-session', channel: 'ch' });
      await a.until(() => a.heard(publish).length > 0);
      expect([a.heard(publish), a.commands]).toEqual([['killed'], ['kill-session>ch']]);
      await b.until(() => b.stops.length === 1);
    });

    test('that is repeated acts again, however many nodes hear it', async () => {
      const [a, b] = await Promise.all([startNode(), startNode()]);
      const kill = async (): Promise<void> => {
        await Promise.all([a, b].map(({ store }) => store.remember({ verb: 'kill-session', channel: 'ch' })));
      };
      for (const id of ['stream-1', 'stream-2']) {
        const { publish } = await a.publish('ch', id);
        await kill();
        await a.until(() => a.heard(publish).length > 0);
      }
      await Promise.all([a, b].map((node) => node.store.redeliverCommands()));
      expect([...a.stops, ...b.stops].map(({ streamId }) => streamId).sort()).toEqual(['stream-1', 'stream-2']);
    });

    test('close-stream of one id leaves another one alone', async () => {
      const a = await startNode();
      const one = await a.publish('one', 'stream-1');
      const other = await a.publish('other', 'stream-2');
      await a.store.remember({ verb: 'close-stream', channel: 'one', streamIds: ['stream-1'] });
      await a.store.remember({ verb: 'close-stream', channel: 'other', streamIds: ['stream-1'] });
      expect([a.heard(one.publish), a.heard(other.publish)]).toEqual([['killed'], []]);
    });

    test('drain reaches its node once, however many heard it', async () => {
      const [a, b, c] = await Promise.all([startNode({ id: 'a' }), startNode({ id: 'b' }), startNode({ id: 'c' })]);
      await Promise.all([b, c].map(({ store }) => store.remember({ verb: 'drain', node: 'a' })));
      await a.until(() => a.commands.length > 0);
      await a.store.drain();
      expect(a.commands).toEqual(['drain>a']);
    });
  });

  describe('a node', () => {
    test('shares one secret with the others, and finds them', async () => {
      const all = await Promise.all(['a', 'b', 'c'].map((id) => startNode({ id })));
      const secrets = await Promise.all(all.map(({ store }) => store.fleetSecret()));
      expect(new Set(secrets.map(String)).size).toBe(1);
      expect(secrets[0]).toHaveLength(32);
      expect((await all[0]!.store.nodes()).map(({ id }) => id).sort()).toEqual(['a', 'b', 'c']);
    });

    test('that is started again under its id is another one: the former one changes nothing any more', async () => {
      const former = await startNode({ id: 'a', rejectsAlone: true });
      await former.publish('old', 'stream-1');
      const b = await startNode({ id: 'b' });
      const next = await startNode({ id: 'a' });
      expect(await b.store.locate('old')).toBeUndefined();
      expect((await former.publish('ch', 'stream-3')).outcome).toBe('unreachable');
      await former.log.waitFor(/another node has the same id/);
      expect((await next.publish('ch', 'stream-2')).outcome).toBe('letIn');
      expect((await b.store.nodes()).map(({ incarnation }) => incarnation).sort()).toEqual(
        [b, next].map(({ store }) => store.self.incarnation).sort(),
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
      const node = new LifeNode({ port: redis.port, username: 'kept', passwordFrom });
      nodes.push(node);
      const started = node.store.start(node);
      for (const tell of followers) tell('pw');
      await started;
      expect((await node.publish('ch', 'stream-1')).outcome).toBe('letIn');
      expect(node.store.connected).toBe(true);
    });

    test('needs no announcements, no key outside the prefix, no INFO and no SCRIPT', async () => {
      const rights = '+eval +evalsha +subscribe +ping +publish +time +get +set +del +exists +expire +pttl';
      const ofHashes = '+hget +hset +hdel +hgetall +hkeys +hincrby +hrandfield';
      const ofOthers = '+sadd +srem +smembers +sismember +xadd +xrange +xtrim';
      const all = `${rights} ${ofHashes} ${ofOthers}`.split(' ');
      const access = ['on', '>pw', '~{rtmp}:*', 'resetchannels', '&{rtmp}:*', '-@all', ...all];
      await redis.withClient((client) => client.call('ACL', 'SETUSER', 'few', ...access));
      const few = { username: 'few', password: 'pw' };
      const [a, b] = await Promise.all([startNode(few), startNode(few)]);
      const first = await a.publish('ch', 'stream-1');
      await a.lose(first);
      await b.publish('ch', 'stream-2');
      await a.until(() => a.heard(first.publish).length > 0);
      await b.store.remember({ verb: 'block', channel: 'ch', seconds: 60 });
      await b.store.remember({ verb: 'unblock', channel: 'ch' });
      await b.store.remember({ verb: 'drain', node: a.store.self.id });
      await a.until(() => a.commands.length > 0);
      await b.until(() => b.stops.length === 2);
      await b.store.stopDelivered(b.stops[0]!.jti);
      await b.store.stop();
      await a.until(() => a.stops.length === 1);
      expect([...a.log.matching(/NOPERM/), ...b.log.matching(/NOPERM/)]).toEqual([]);
    });
  });

  describe('two releases in one fleet', () => {
    test('leave alone what the later one has written, and share all else', async () => {
      const [older, newer] = await Promise.all([startNode(), startNode({ schema: 2 })]);
      const first = await newer.publish('of-newer', 'stream-1');
      const second = await older.publish('of-older', 'stream-2');
      expect([first.outcome, second.outcome]).toEqual(['letIn', 'letIn']);
      expect((await older.publish('of-newer', 'stream-3')).outcome).toBe('busy');
      expect(older.log.matching(/A later release has written/)).toHaveLength(1);
      await older.lose(second);
      expect((await newer.publish('of-older', 'stream-2')).outcome).toBe('letIn');
      expect(await newer.store.locate('of-older')).toMatchObject({ streamId: 'stream-2' });
      expect([...older.stops, ...newer.stops]).toEqual([]);
    });
  });
});
