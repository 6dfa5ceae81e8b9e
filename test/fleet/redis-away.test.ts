import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fleet, FleetOfFile } from '../support/servers/fleet';
import { LivePublisher } from '../support/rtmp/live-publisher';
import { LiveViewer } from '../support/rtmp/live-viewer';
import { RedisServer } from '../support/servers/redis-server';
import { expectFlows } from '../support/servers/server-of-file';
import { SwitchedProxy } from './switched-proxy';

const started: { close(): void }[] = [];
afterEach(() => {
  for (const client of started.splice(0)) client.close();
});

interface WatchedStream {
  readonly channel: string;
  readonly publisher: LivePublisher;
  readonly viewers: readonly LiveViewer[];
}

/** A publisher on one node, and a viewer on it and on another. */
async function streamOn(fleet: Fleet, at: number): Promise<WatchedStream> {
  const channel = fleet.newChannel();
  const publisher = await LivePublisher.start({ channel, port: () => fleet.node(at).rtmpPort });
  const places = [at, (at + 1) % fleet.nodes.length];
  const viewers = await Promise.all(
    places.map((place) => LiveViewer.start({ channel, port: () => fleet.node(place).rtmpPort })),
  );
  started.push(publisher, ...viewers);
  for (const viewer of viewers) await viewer.sees(2);
  return { channel, publisher, viewers };
}

/** Neither publisher nor viewers were disturbed, and the channel is still taken. */
async function expectUntouched(fleet: Fleet, { channel, publisher, viewers }: WatchedStream): Promise<void> {
  const seen = publisher.sent + 5;
  for (const viewer of viewers) {
    await viewer.sees(seen);
    expect([viewer.missing, viewer.disorder]).toEqual([[], []]);
    expect(viewer.codes).not.toContain('NetStream.Play.UnpublishNotify');
  }
  expect(publisher.failures).toEqual([]);
  for (const at of fleet.nodes.keys()) {
    await expect(fleet.publisher(at, channel)).rejects.toThrow('Stream already publishing');
  }
}

/** Resolves when every node is in contact with Redis again. */
async function untilBack(fleet: Fleet, times: readonly number[]): Promise<void> {
  await Promise.all(
    fleet.nodes.map((node, at) =>
      node.waitForLog(new RegExp(`(?:The fleet registry is back[^]*){${(times[at] ?? 0) + 1}}`), 20_000),
    ),
  );
}

const returns = (fleet: Fleet): number[] =>
  fleet.nodes.map(({ log }) => [...log.matchAll(/The fleet registry is back/g)].length);

describe('live streams go on', () => {
  let proxy: SwitchedProxy | undefined;
  const ofFile = FleetOfFile.start({
    redis: { args: ['--enable-debug-command', 'yes'] },
    redisPort: async (redis) => (proxy = await SwitchedProxy.start(redis.port)).port,
  });
  afterAll(() => proxy?.close());

  test.each([
    ['is paused', (fleet: Fleet) => fleet.redis.withClient((client) => client.call('CLIENT', 'PAUSE', '2500', 'ALL'))],
    ['sleeps', (fleet: Fleet) => fleet.redis.withClient((client) => client.call('DEBUG', 'SLEEP', '2.5'))],
    [
      'has gone and comes back with nothing',
      (fleet: Fleet) =>
        fleet.redis
          .kill()
          .then(() => sleep(2_000))
          .then(() => fleet.redis.start()),
    ],
  ])('while Redis %s', async (_what, trouble) => {
    const { fleet } = ofFile;
    const streams = await Promise.all([0, 1, 2].map((at) => streamOn(fleet, at)));
    const before = returns(fleet);
    await trouble(fleet);
    await untilBack(fleet, before);
    for (const stream of streams) await expectUntouched(fleet, stream);
  });

  test('when a replica that lacks the last writes takes over', async () => {
    const { fleet } = ofFile;
    const replica = await RedisServer.start();
    try {
      await replica.withClient(async (client) => {
        await client.call('REPLICAOF', '127.0.0.1', String(fleet.redis.port));
        while (!(await client.info('replication')).includes('master_link_status:up')) await sleep(50);
      });
      const known = await streamOn(fleet, 0);
      await replica.withClient(async (client) => {
        while ((await client.exists(`{rtmp}:life:${known.channel}`)) === 0) await sleep(50);
        await client.call('REPLICAOF', 'NO', 'ONE');
      });
      const unknown = await streamOn(fleet, 1);
      proxy?.switchTo(replica.port);
      await replica.withClient(async (client) => {
        while ((await client.exists(`{rtmp}:life:${unknown.channel}`)) === 0) await sleep(50);
      });
      for (const stream of [known, unknown]) await expectUntouched(fleet, stream);
    } finally {
      proxy?.switchTo(fleet.redis.port);
      await replica.remove();
    }
  });
});

describe('a takeover while Redis is away', () => {
  const ofFile = FleetOfFile.start({ callbacks: true, nodes: 2, environment: { PUBLISHER_TAKEOVER: 'YES' } });

  test('stops the former stream when Redis is back and the former publisher hears', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    let starts = 0;
    let isAway = false;
    const early: unknown[] = [];
    fleet.journal.answer(channel, ({ claims }) => {
      if (claims['event'] === 'start') {
        starts += 1;
        return { delayMs: starts === 1 ? 0 : 4_000, headers: { 'stream-id': `stream-${starts}` } };
      }
      if (isAway) early.push(claims);
      return {};
    });
    const first = await fleet.publisher(0, channel);
    await fleet.journal.next(channel, 'start');
    const takeover = fleet.publisher(1, channel);
    await fleet.journal.next(channel, 'start');
    fleet.redis.suspend();
    isAway = true;
    const second = await takeover;
    await first.roundTrip();
    isAway = false;
    fleet.redis.resume();
    await first.waitForStatus('NetStream.Publish.Denied', 15_000);
    expect((await fleet.journal.next(channel, 'stop')).claims['stream_id']).toBe('stream-1');
    expect(early).toEqual([]);
    await expectFlows(second, await fleet.player(0, channel), 'the second');
  });
});

describe('a publisher that leaves a node which alone is cut off from Redis', () => {
  const ofFile = FleetOfFile.start({ nodes: 1, environment: { RECONNECT_GRACE_SECONDS: '30' } });
  let proxy: SwitchedProxy | undefined;
  afterAll(() => proxy?.close());

  test('is told by others that somebody publishes, not for good, until that node counts as dead', async () => {
    const { fleet } = ofFile;
    proxy = await SwitchedProxy.start(fleet.redis.port);
    const cut = fleet.nodes.push(await fleet.newNode(1, { REDIS_PORT: String(proxy.port) })) - 1;
    await fleet.watchdog();
    const channel = fleet.newChannel();
    const first = await fleet.publisher(cut, channel);
    proxy.switchTo(undefined);
    await fleet.node(cut).waitForLog(/The fleet registry cannot be used/);
    first.deleteStream();
    await fleet.node(cut).waitForLog(new RegExp(`publish ended channel=${channel}`));
    await expect(fleet.publisher(0, channel)).rejects.toThrow(/NetStream.Publish.BadName.*Stream already publishing/);
    const second = await fleet.publisherWhenPossible(0, channel);
    await expectFlows(second, await fleet.player(0, channel), 'the second');
  });
});

describe('new publishers while Redis is away', () => {
  const accepting = FleetOfFile.start({ callbacks: true });
  const rejecting = FleetOfFile.start({ nodes: 1, environment: { FLEET_WITHOUT_REDIS: 'reject' } });

  test('are accepted; of two with one channel the later one gives way when Redis is back', async () => {
    const { fleet } = accepting;
    const channel = fleet.newChannel();
    let starts = 0;
    fleet.journal.answer(channel, ({ claims }) =>
      claims['event'] === 'stop' ? {} : { headers: { 'stream-id': `stream-${(starts += 1)}` } },
    );
    const before = returns(fleet);
    fleet.redis.suspend();
    const first = await fleet.publisher(0, channel);
    const second = await fleet.publisher(1, channel);
    const third = await fleet.player(2, channel);
    await expect(fleet.publisher(0, channel)).rejects.toThrow('Stream already publishing');
    fleet.redis.resume();
    await untilBack(fleet, before);
    await second.expectClosed(15_000);
    await expectFlows(first, third, 'the first');
    expect((await fleet.journal.next(channel, 'stop')).claims['stream_id']).toBe('stream-2');
    first.deleteStream();
    expect((await fleet.journal.next(channel, 'stop')).claims['stream_id']).toBe('stream-1');
    expect(fleet.journal.events(channel)).toEqual(['start', 'start', 'stop', 'stop']);
  });

  test('are not accepted for a channel that another node still brings', async () => {
    const { fleet } = accepting;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel);
    const player = await fleet.player(1, channel);
    await expectFlows(publisher, player, 'before');
    fleet.redis.suspend();
    await expect(fleet.publisher(1, channel)).rejects.toThrow('Stream already publishing');
    fleet.redis.resume();
    await expectFlows(publisher, player, 'after');
  });

  test('are not accepted for a channel that was blocked before, on any node', async () => {
    const { fleet } = accepting;
    const [blocked, lifted] = [fleet.newChannel(), fleet.newChannel()];
    for (const channel of [blocked, lifted]) await fleet.redis.publish('rtmp_commands', `block>${channel}|600`);
    await fleet.redis.publish('rtmp_commands', `unblock>${lifted}`);
    const unblocked = new RegExp(`unblock.*channel=${lifted}`);
    await Promise.all(fleet.nodes.map((node) => node.waitForLog(unblocked)));
    fleet.redis.suspend();
    for (const at of fleet.nodes.keys()) {
      const refused = fleet.publisher(at, blocked);
      await expect(refused).rejects.toThrow(/NetStream.Publish.Denied.*Channel is blocked for \d+ s by the operator/);
    }
    await fleet.publisher(1, lifted);
    fleet.redis.resume();
  });

  test('are refused, not for good, with FLEET_WITHOUT_REDIS=reject', async () => {
    const { fleet } = rejecting;
    const channel = fleet.newChannel();
    fleet.redis.suspend();
    const refused = fleet.publisher(0, channel);
    await expect(refused).rejects.toThrow(/NetStream.Publish.BadName.*registry cannot be reached/);
    fleet.redis.resume();
    await fleet.publisherWhenPossible(0, channel);
  });
});
