import { afterEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetOfFile } from '../support/servers/fleet';
import { redisKinds } from '../support/servers/redis-server';
import { avc } from '../support/rtmp/media';
import { expectFlows } from '../support/servers/server-of-file';

describe.each(redisKinds)('on a %s Redis', (kind) => {
  const ofFile = FleetOfFile.start({ callbacks: true, redis: { kind } });

  afterEach(() => {
    for (const node of ofFile.fleet.nodes) node.program.signal('SIGCONT');
  });

  test('of hundreds who publish one channel on three nodes at the same time, one is let in', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    fleet.journal.answer(channel, () => ({ delayMs: 100 }));
    const clients = await Promise.all(Array.from({ length: 240 }, (_, i) => fleet.connect(i % 3, channel)));
    await Promise.all(clients.map((client) => client.createStream()));
    for (const client of clients) client.sendPublish('key');
    const answers = await Promise.all(clients.map((client) => client.nextStatus()));
    const count = (code: string): number => answers.filter((answer) => answer.code === code).length;
    expect([count('NetStream.Publish.Start'), count('NetStream.Publish.BadName')]).toEqual([1, 239]);
    expect(fleet.journal.events(channel)).toEqual(['start']);
    fleet.closeClients();
    await fleet.journal.next(channel, 'stop');
  });

  test('of many channels each has one, wherever its publishers come', async () => {
    const { fleet } = ofFile;
    const channels = Array.from({ length: 20 }, () => fleet.newChannel());
    const attempts = channels.flatMap((channel) => [0, 1, 2].map((at) => ({ channel, at })));
    const outcomes = await Promise.all(
      attempts.map(({ channel, at }) =>
        fleet.publisher(at, channel).then(
          () => channel,
          () => undefined,
        ),
      ),
    );
    expect(outcomes.filter((channel) => channel !== undefined).sort()).toEqual([...channels].sort());
  });

  describe('a node that stands still for longer than it may be silent', () => {
    test('finds its channel taken when it goes on, and ends its copy', async () => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      let starts = 0;
      fleet.journal.answer(channel, ({ claims }) => {
        if (claims['event'] === 'stop') return {};
        return { headers: { 'stream-id': `stream-${(starts += 1)}` } };
      });
      const steady = await fleet.watchdog();
      const [paused, third] = [(steady + 1) % 3, (steady + 2) % 3];
      const old = await fleet.publisher(paused, channel);
      const [here, there] = [await fleet.player(paused, channel), await fleet.player(third, channel)];
      await expectFlows(old, here, 'old');
      fleet.node(paused).program.signal('SIGSTOP');
      const fresh = await fleet.publisherWhenPossible(steady, channel);
      await expectFlows(fresh, there, 'fresh');
      fleet.node(paused).program.signal('SIGCONT');
      await old.expectClosed(12_000);
      await here.waitForStatus('NetStream.Play.UnpublishNotify');
      await expectFlows(fresh, here, 'fresh for all');
      const stop = await fleet.journal.next(channel, 'stop');
      expect(stop.claims['stream_id']).toBe('stream-1');
      fresh.deleteStream();
      expect((await fleet.journal.next(channel, 'stop')).claims['stream_id']).toBe('stream-2');
      expect(fleet.journal.events(channel).filter((event) => event === 'stop')).toHaveLength(2);
    });

    test('asks nobody with a start that was stopped meanwhile, and tells its publisher so', async () => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      let starts = 0;
      fleet.journal.answer(channel, ({ claims }) => {
        if (claims['event'] === 'stop') return {};
        return (starts += 1) === 1 ? { status: 500, delayMs: 2_000 } : {};
      });
      const steady = await fleet.watchdog();
      const paused = (steady + 1) % 3;
      const [first, second] = await Promise.all([steady, paused].map((at) => fleet.connect(at, channel)));
      await Promise.all([first!.createStream(), second!.createStream()]);
      first!.sendPublish('key');
      await fleet.journal.next(channel, 'start');
      second!.sendPublish('key');
      await fleet.redis.withClient(async (client) => {
        while (!(await client.get(`{rtmp}:life:${channel}`))?.includes('"waiting":[{')) await sleep(20);
      });
      fleet.node(paused).program.signal('SIGSTOP');
      // Its turn comes without it, and then it counts as dead.
      const { claims } = await fleet.journal.next(channel, 'stop');
      expect(claims['stream_id']).toBe('');
      fleet.node(paused).program.signal('SIGCONT');
      expect(await second!.nextStatus()).toMatchObject({
        code: 'NetStream.Publish.BadName',
        description: 'The callback could not be made',
      });
      await fleet.publisherWhenPossible(paused, channel);
      const asked = fleet.journal.requests(channel, 'start').map((request) => request.claims['jti']);
      expect(asked).toHaveLength(2);
      expect(asked).not.toContain(claims['start_jti']);
    });

    test('keeps its channel when nobody took it', async () => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      const publisher = await fleet.publisher(0, channel);
      const player = await fleet.player(1, channel);
      await expectFlows(publisher, player, 'before');
      fleet.node(0).program.signal('SIGSTOP');
      await fleet.redis.withClient(async (client) => {
        while ((await client.exists(`{rtmp}:node:${fleet.nodeId(0)}`)) === 1) await sleep(100);
      });
      fleet.node(0).program.signal('SIGCONT');
      publisher.sendVideo(2_000, avc.keyframe('after'));
      await player.waitForPayload(avc.keyframe('after'));
      await expect(fleet.publisher(2, channel)).rejects.toThrow('already publishing');
      expect(fleet.journal.events(channel)).toEqual(['start']);
    });
  });
});
