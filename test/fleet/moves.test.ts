import { afterEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fleet, FleetOfFile } from '../support/servers/fleet';
import { redisKinds } from '../support/servers/redis-server';
import { LivePublisher } from '../support/rtmp/live-publisher';
import type { ReceivedMessage } from '../support/rtmp/wire-reader';
import type { RtmpClient } from '../support/rtmp/rtmp-client';
import { LiveViewer } from '../support/rtmp/live-viewer';
import { avc } from '../support/rtmp/media';
import { expectFlows, sendMedia } from '../support/servers/server-of-file';

const UNPUBLISH = 'NetStream.Play.UnpublishNotify';

const started: { close(): void }[] = [];
afterEach(() => {
  for (const client of started.splice(0)) client.close();
});

async function publish(fleet: Fleet, at: () => number, channel: string): Promise<LivePublisher> {
  const publisher = await LivePublisher.start({ channel, port: () => fleet.node(at()).rtmpPort, reconnects: false });
  started.push(publisher);
  return publisher;
}

/** One viewer on each of the three nodes. */
async function watch(fleet: Fleet, channel: string): Promise<LiveViewer[]> {
  const viewers = await Promise.all(
    [0, 1, 2].map((at) => LiveViewer.start({ channel, port: () => fleet.node(at).rtmpPort, reconnects: false })),
  );
  started.push(...viewers);
  return viewers;
}

let streams = 0;
/** The handler gives each start a new id, and the requested id to a start that resumes. */
function resumable(fleet: Fleet, channel: string): void {
  fleet.journal.answer(channel, ({ claims }) => {
    streams += 1;
    return { headers: { 'stream-id': (claims['resume'] as string | undefined) ?? `stream-${streams}` } };
  });
}

describe.each(redisKinds)('on a %s Redis', (kind) => {
  describe('RECONNECT_GRACE_SECONDS', () => {
    const ofFile = FleetOfFile.start({
      callbacks: true,
      redis: { kind },
      environment: { RECONNECT_GRACE_SECONDS: '2' },
    });

    test.each([
      ['to another node', [1]],
      ['to the same node', [0]],
      ['from node to node', [1, 2, 0]],
    ])('a lost publisher comes back %s: all viewers see one stream', async (_name, path) => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      resumable(fleet, channel);
      let at = 0;
      const publisher = await publish(fleet, () => at, channel);
      const viewers = await watch(fleet, channel);
      for (const viewer of viewers) await viewer.sees(12);
      for (const node of path) {
        await publisher.lose();
        await fleet.node(at).waitForLog(new RegExp(`channel held.*channel=${channel}`));
        at = node;
        await publisher.comeBack();
        const seen = publisher.sent + 12;
        for (const viewer of viewers) await viewer.sees(seen);
      }
      for (const viewer of viewers) {
        expect(viewer.missing).toEqual(publisher.skipped.filter((number) => number > (viewer.numbers[0] ?? 0)));
        expect(viewer.disorder).toEqual([]);
        expect(viewer.codes).not.toContain(UNPUBLISH);
      }
      expect(fleet.journal.events(channel)).toEqual(['start', ...path.map(() => 'start')]);
      publisher.stop();
      await fleet.journal.next(channel, 'stop');
      for (const viewer of viewers) await viewer.hears(UNPUBLISH);
      expect(fleet.journal.events(channel).filter((event) => event === 'stop')).toHaveLength(1);
    });

    test('a stream that another node had without a picture, and that is back: each frame comes once', async () => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      resumable(fleet, channel);
      const [here, away, watching] = [2, 0, 1];
      const publishes = async (at: number, ...frames: Buffer[]): Promise<RtmpClient> => {
        const publisher = await fleet.publisher(at, channel);
        sendMedia(
          publisher,
          [avc.sequenceHeader(), ...frames].map((payload) => ({ kind: 'video', timestamp: 0, payload })),
        );
        return publisher;
      };
      const loses = async (publisher: RtmpClient, at: number): Promise<void> => {
        publisher.connection.socket.resetAndDestroy();
        await fleet.node(at).waitForLog(new RegExp(`channel held.*channel=${channel}`));
      };
      const viewer = await fleet.player(watching, channel);
      const first = await publishes(here, avc.keyframe('one'));
      await viewer.waitForPayload(avc.keyframe('one'));
      await loses(first, here);
      const second = await publishes(away);
      // Its relay has come before it leaves.
      await fleet.node(away).waitForLog(new RegExp(`play.*channel=${channel}.*relay=true`));
      await loses(second, away);
      const third = await publishes(here);
      await fleet.node(watching).waitForLog(new RegExp(`relay ended.*channel=${channel}`));
      sendMedia(
        third,
        ['two', 'three'].map((label, i) => ({ kind: 'video', timestamp: 40 * i, payload: avc.keyframe(label) })),
      );
      await viewer.waitForPayload(avc.keyframe('three'));
      third.deleteStream();
      await viewer.waitForStatus(UNPUBLISH);
      const isTwo = ({ payload }: ReceivedMessage): boolean => payload.equals(avc.keyframe('two'));
      expect(viewer.received.filter(isTwo)).toHaveLength(1);
    });

    test('a stream that was elsewhere and is lost again here is held for its whole grace time', async () => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      resumable(fleet, channel);
      let at = 0;
      const publisher = await publish(fleet, () => at, channel);
      const viewers = await watch(fleet, channel);
      for (const viewer of viewers) await viewer.sees(1);
      for (const node of [1, 0]) {
        await publisher.lose();
        at = node;
        await publisher.comeBack();
      }
      // A node keeps a stream that has moved for five seconds, for viewers: the publisher is lost shortly before that.
      await sleep(4_000);
      await publisher.lose();
      await sleep(1_300);
      await publisher.comeBack();
      const seen = publisher.sent + 12;
      for (const viewer of viewers) {
        await viewer.sees(seen);
        expect(viewer.codes).not.toContain(UNPUBLISH);
      }
      expect(fleet.journal.events(channel)).toEqual(['start', 'start', 'start', 'start']);
    });

    test('the handler gives another id: one stop, and viewers everywhere get a new stream', async () => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      let starts = 0;
      fleet.journal.answer(channel, () => ({ headers: { 'stream-id': `unlike-${(starts += 1)}` } }));
      let at = 0;
      const publisher = await publish(fleet, () => at, channel);
      const viewers = await watch(fleet, channel);
      for (const viewer of viewers) await viewer.sees(1);
      await publisher.lose();
      at = 1;
      await publisher.comeBack();
      expect((await fleet.journal.next(channel, 'stop')).claims['stream_id']).toBe('unlike-1');
      const [first, second] = fleet.journal.requests(channel, 'start');
      expect([first!.claims['resume'], second!.claims['resume']]).toEqual([undefined, 'unlike-1']);
      const seen = publisher.sent + 2;
      for (const viewer of viewers) {
        await viewer.hears(UNPUBLISH);
        await viewer.sees(seen);
      }
      publisher.stop();
      expect((await fleet.journal.next(channel, 'stop')).claims['stream_id']).toBe('unlike-2');
    });

    test('the publisher does not come back: one stop, and viewers everywhere are told', async () => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      resumable(fleet, channel);
      const publisher = await publish(fleet, () => 0, channel);
      const viewers = await watch(fleet, channel);
      for (const viewer of viewers) await viewer.sees(1);
      await publisher.lose();
      for (const viewer of viewers) await viewer.hears(UNPUBLISH);
      await fleet.journal.next(channel, 'stop');
      expect(fleet.journal.events(channel)).toEqual(['start', 'stop']);
    });

    test('somebody with another key does not get the held channel, on any node', async () => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      resumable(fleet, channel);
      let at = 0;
      const publisher = await publish(fleet, () => at, channel);
      await publisher.lose();
      for (const node of [0, 1]) {
        await expect(fleet.publisher(node, channel, 'other')).rejects.toThrow('Stream already publishing');
      }
      at = 2;
      await publisher.comeBack();
    });
  });

  describe('PUBLISHER_TAKEOVER', () => {
    const ofFile = FleetOfFile.start({ callbacks: true, redis: { kind }, environment: { PUBLISHER_TAKEOVER: 'YES' } });

    test('a publisher with the same key on another node replaces the one that is there', async () => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      resumable(fleet, channel);
      const first = await fleet.publisher(0, channel);
      const players = await Promise.all([0, 1, 2].map((at) => fleet.player(at, channel)));
      sendMedia(first, [{ kind: 'video', timestamp: 0, payload: avc.keyframe('first') }]);
      for (const player of players) await player.waitForPayload(avc.keyframe('first'));
      const second = await fleet.publisher(1, channel);
      await first.waitForStatus('NetStream.Publish.Denied');
      await first.expectClosed();
      sendMedia(second, [{ kind: 'video', timestamp: 0, payload: avc.keyframe('second') }]);
      for (const player of players) {
        await player.waitForStatus(UNPUBLISH);
        await player.waitForPayload(avc.keyframe('second'));
      }
      const stop = await fleet.journal.next(channel, 'stop');
      expect(fleet.journal.events(channel)).toEqual(['start', 'start', 'stop']);
      second.deleteStream();
      const last = await fleet.journal.next(channel, 'stop');
      expect(last.claims['stream_id']).not.toBe(stop.claims['stream_id']);
      expect(last.claims['jti']).not.toBe(stop.claims['jti']);
    });

    test('it is seen, ended and stopped like any other on a node whose last viewer has just left', async () => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      resumable(fleet, channel);
      const first = await fleet.publisher(0, channel);
      const former = await fleet.player(1, channel);
      await expectFlows(first, former, 'to the viewer that leaves');
      await former.close();
      await fleet.node(1).waitForLog(new RegExp(`play ended channel=${channel}`));
      // The relay still feeds the channel when the publisher is accepted: its node has no time to end it before.
      const { program } = fleet.node(0);
      program.signal('SIGSTOP');
      const second = await fleet.publisher(1, channel).finally(() => program.signal('SIGCONT'));
      await fleet.node(1).waitForLog(new RegExp(`relay ended channel=${channel}`));
      const viewer = await fleet.player(1, channel);
      await expectFlows(second, viewer, 'to the next viewer');
      expect(await fleet.streams(1, channel)).toMatchObject([{ channel, relay: false }]);
      await fleet.redis.publish('rtmp_commands', `kill-session>${channel}`);
      await second.expectClosed();
      await fleet.journal.next(channel, 'stop');
      await fleet.journal.next(channel, 'stop');
      await expectFlows(await fleet.publisher(1, channel), viewer, 'from the publisher after it');
    });

    test('one with another key, or that the handler refuses, does not', async () => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      const first = await fleet.publisher(0, channel);
      const player = await fleet.player(1, channel);
      await expect(fleet.publisher(1, channel, 'other')).rejects.toThrow('Stream already publishing');
      fleet.journal.answer(channel, () => ({ status: 403 }));
      await expect(fleet.publisher(2, channel)).rejects.toThrow('NetStream.Publish.Denied');
      sendMedia(first, [{ kind: 'video', timestamp: 0, payload: avc.keyframe('still first') }]);
      await player.waitForPayload(avc.keyframe('still first'));
    });

    test('one that has taken the channel over keeps it on every node while it sends', async () => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      resumable(fleet, channel);
      const displaced = await fleet.publisher(0, channel);
      const keeper = await fleet.publisher(1, channel);
      await displaced.expectClosed();
      const sends = setInterval(() => keeper.sendVideo(0, avc.keyframe('still here')), 100);
      try {
        for (let attempt = 0; attempt < 5; attempt += 1) {
          await expect(fleet.publisher(attempt % 3, channel)).rejects.toThrow('Stream already publishing');
        }
      } finally {
        clearInterval(sends);
      }
      // As after a change of networks: the connection is open, but nothing arrives any more.
      await fleet.publisherWhenPossible(2, channel);
      await keeper.expectClosed();
    });

    test('three nodes in turn: the last one has the channel, and every start has its stop', async () => {
      const { fleet } = ofFile;
      const channel = fleet.newChannel();
      resumable(fleet, channel);
      for (const at of [0, 1, 2, 0]) await fleet.publisherWhenPossible(at, channel);
      for (let stop = 0; stop < 3; stop += 1) await fleet.journal.next(channel, 'stop');
      fleet.closeClients();
      await fleet.journal.next(channel, 'stop');
      const ids = fleet.journal.requests(channel, 'stop').map(({ claims }) => claims['stream_id']);
      expect(new Set(ids).size).toBe(4);
    });
  });
});
