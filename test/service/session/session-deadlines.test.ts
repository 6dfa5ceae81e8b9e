import { beforeEach, describe, expect, test } from '@jest/globals';
import { aac, avc } from '../../support/media';
import { MessageType, UserControl, userControl } from '../../support/wire-builder';
import { ClientHandshake } from '../../support/client-handshake';
import { SessionBench, type SessionClient } from './session-bench';

let bench: SessionBench;
beforeEach(() => {
  bench = new SessionBench();
});

const pings = ({ received }: SessionClient): number =>
  received.filter(
    ({ type, payload }) => type === MessageType.userControl && payload.readUInt16BE() === UserControl.pingRequest,
  ).length;
const pong = (client: SessionClient): void => client.send(userControl(UserControl.pingResponse, 1));

describe('time-outs of a session', () => {
  test('the handshake has 10 s in all, however its bytes trickle in', () => {
    const client = bench.open();
    const { c0c1 } = new ClientHandshake();
    let at = 0;
    bench.advance(10, () => client.bytes(c0c1.subarray(at, (at += 10))));
    expect(client.transport.ended).toBe(false);
    bench.advance(1, () => client.bytes(c0c1.subarray(at, at + 10)));
    expect(client.transport.ended).toBe(true);
    expect(bench.closed).toEqual(['handshake_timeout']);
  });

  test('connect has 10 s after the handshake, however its bytes trickle in', () => {
    const client = bench.open();
    client.shakeHands();
    const command = client.chunks.message({ type: 20, streamId: 0, timestamp: 0, payload: Buffer.alloc(100, 2) });
    let at = 0;
    bench.advance(12, () => client.bytes(command.subarray(at, (at += 1))));
    expect(bench.closed).toEqual(['connect_timeout']);
  });

  test('a connection that only answers pings, without publish or play, is closed after 90 s and told why', () => {
    const client = bench.connected();
    bench.advance(89, () => pong(client));
    expect(client.transport.ended).toBe(false);
    bench.advance(2, () => pong(client));
    expect(bench.closed).toEqual(['idle_timeout']);
    expect(client.statuses).toEqual([
      expect.objectContaining({
        level: 'error',
        code: 'NetConnection.Connect.Closed',
        description: 'neither publish nor play in time',
      }),
    ]);
  });

  test('a player is pinged every 30 s, and stays for as long as it answers', () => {
    const player = bench.connected();
    player.command('play', null, 'key');
    bench.advance(600, () => {
      if (bench.nowMs % 30_000 === 0) pong(player);
    });
    expect(pings(player)).toBe(20);
    expect(player.transport.ended).toBe(false);
  });

  test('a publisher never hears nothing for 10 s, not even while it is being decided on', async () => {
    bench.grant = undefined;
    const undecided = bench.connected();
    undecided.command('publish', null, 'other/key');
    bench.grant = { streamId: '' };
    const publisher = await bench.publisher();
    const heardAt = [bench.nowMs, bench.nowMs];
    bench.advance(100, () => {
      publisher.video(bench.nowMs, avc.keyframe('live'));
      [undecided, publisher].forEach((client, index) => {
        if (client.transport.written.splice(0).length > 0) heardAt[index] = bench.nowMs;
        expect(bench.nowMs - heardAt[index]!).toBeLessThan(10_000);
      });
    });
    expect(bench.closed).toEqual([]);
  });

  test('a publisher is pinged every 4 s while it is decided on, and every 6 s once it is accepted', async () => {
    bench.grant = undefined;
    const undecided = bench.connected();
    undecided.command('publish', null, 'other/key');
    bench.grant = { streamId: '' };
    const publisher = await bench.publisher();
    bench.advance(24, () => publisher.video(bench.nowMs, avc.keyframe('live')));
    expect([pings(undecided), pings(publisher)]).toEqual([6, 4]);
  });

  test.each([
    ['faster', 4_000],
    ['a little faster', 1_250],
    ['slower', 700],
  ])('a publisher that sends %s than time passes is not pinged: it may have closed already', async (_, step) => {
    const publisher = await bench.publisher();
    let clock = 0xffff0000;
    bench.advance(60, () => publisher.video((clock += step), avc.keyframe('from a file')));
    expect(pings(publisher)).toBe(0);
    bench.advance(15, () => publisher.video((clock += 1_000), avc.keyframe('live from here on')));
    expect(pings(publisher)).toBeGreaterThan(0);
  });

  test('a publisher that sends a frame now and then is pinged in between', async () => {
    const publisher = await bench.publisher();
    bench.advance(60, () => {
      if (bench.nowMs % 10_000 === 0) publisher.video(bench.nowMs, avc.keyframe('slide'));
    });
    expect(pings(publisher)).toBeGreaterThanOrEqual(6);
  });

  test('a peer that says nothing for 60 s is dead', async () => {
    const player = bench.connected();
    player.command('play', null, 'key');
    const publisher = await bench.publisher();
    bench.advance(60);
    expect(bench.closed).toEqual([]);
    bench.advance(1);
    expect(bench.closed).toEqual(['silent', 'silent']);
    expect(publisher.transport.ended).toBe(true);
    expect(bench.hub.publicationCount).toBe(0);
  });

  test('a publisher that answers pings but sends no media for 120 s is ended with the reason, its channel is free', async () => {
    const publisher = await bench.publisher();
    publisher.video(0, avc.keyframe('only'));
    bench.advance(120, () => pong(publisher));
    expect(bench.hub.publicationCount).toBe(1);
    bench.advance(1, () => pong(publisher));
    expect(bench.closed).toEqual(['media_timeout']);
    expect(publisher.statuses.at(-1)).toMatchObject({
      code: 'NetStream.Publish.BadName',
      description: 'no audio or video for 120 s',
    });
    expect(bench.hub.publicationCount).toBe(0);
  });

  test('both times are settings; clients are pinged at least twice before they count as silent', async () => {
    bench.context = { ...bench.context, timeouts: { mediaMs: 30_000, silentMs: 20_000 } };
    const player = bench.connected();
    player.command('play', null, 'key');
    const publisher = await bench.publisher();
    publisher.video(0, avc.keyframe('only'));
    bench.advance(20, () => pong(publisher));
    expect([pings(player), bench.closed]).toEqual([2, []]);
    bench.advance(1, () => pong(publisher));
    expect(bench.closed).toEqual(['silent']);
    bench.advance(10, () => pong(publisher));
    expect(bench.closed).toEqual(['silent', 'media_timeout']);
    expect(publisher.statuses.at(-1)?.description).toBe('no audio or video for 30 s');
  });

  test('a session tells when it last sent media, whatever becomes of that', async () => {
    const publisher = await bench.publisher();
    publisher.video(0, avc.keyframe('k'));
    const { publication } = publisher.session.streams.publishing!;
    publication.stream.sourceChanged();
    const { videoBytes } = publication.stream.stats;
    bench.advance(7, () => publisher.video(bench.nowMs, avc.interFrame('undecodable')));
    expect(publisher.session.mediaAt).toBe(bench.nowMs);
    expect(publication.stream.stats.videoBytes).toBe(videoBytes);
    const before = bench.nowMs;
    bench.advance(3, () => pong(publisher));
    expect(publisher.session.mediaAt).toBe(before);
  });

  test('a publisher of audio once a minute goes on', async () => {
    const publisher = await bench.publisher();
    bench.advance(600, () => {
      if (bench.nowMs % 50_000 === 0) {
        publisher.send({ type: MessageType.audio, streamId: 1, timestamp: bench.nowMs, payload: aac.frame('a') });
      }
    });
    expect(bench.hub.publicationCount).toBe(1);
  });

  test('a publisher that is being decided on is not timed out here: the decision has its own time', () => {
    bench.grant = undefined;
    const client = bench.connected();
    client.command('publish', null, 'key');
    bench.advance(300);
    expect(client.transport.ended).toBe(false);
  });

  test('after deleteStream the connection has 90 s for the next publish', async () => {
    const publisher = await bench.publisher();
    bench.advance(100, () => publisher.video(bench.nowMs, avc.keyframe('x')));
    publisher.command('deleteStream', null, 1);
    bench.advance(90, () => pong(publisher));
    expect(bench.closed).toEqual([]);
    bench.advance(1, () => pong(publisher));
    expect(bench.closed).toEqual(['idle_timeout']);
  });
});

describe('limits that the start callback grants', () => {
  test('max-duration-seconds ends the publish with the reason', async () => {
    bench.grant = { streamId: '', maxDurationSeconds: 60 };
    const publisher = await bench.publisher();
    const sendVideo = (): void => publisher.video(bench.nowMs, avc.keyframe('x'));
    bench.advance(60, sendVideo);
    expect(bench.closed).toEqual([]);
    bench.advance(1, sendVideo);
    expect(bench.closed).toEqual(['killed']);
    expect(publisher.statuses.at(-1)).toMatchObject({
      code: 'NetStream.Publish.BadName',
      description: 'Stream reached its maximum duration of 60 s',
    });
  });

  test('max-duration-seconds is the time of the stream: a publisher that comes back has what is left of it', async () => {
    bench.grant = { streamId: 'id', maxDurationSeconds: 60 };
    bench.holdsLost = true;
    const lost = await bench.publisher();
    bench.advance(40, () => lost.video(bench.nowMs, avc.keyframe('x')));
    lost.session.disconnected(undefined);
    const again = await bench.publisher();
    const sendVideo = (): void => again.video(bench.nowMs, avc.keyframe('x'));
    bench.advance(20, sendVideo);
    expect(bench.closed).toEqual(['client_closed']);
    bench.advance(1, sendVideo);
    expect(bench.closed).toEqual(['client_closed', 'killed']);
  });

  test('max-bitrate-kbps: over it for 10 s ends the publish with the reason, a short burst does not', async () => {
    bench.grant = { streamId: '', maxBitrateKbps: 1_000 };
    const publisher = await bench.publisher();
    const send = (kbps: number) => (): void => publisher.video(bench.nowMs, avc.keyframe('x', (kbps * 1_000) / 8));
    bench.advance(60, send(900));
    bench.advance(6, send(3_000));
    bench.advance(60, send(900));
    expect(bench.closed).toEqual([]);
    bench.advance(9, send(1_500));
    expect(bench.closed).toEqual([]);
    bench.advance(6, send(1_500));
    expect(bench.closed).toEqual(['killed']);
    expect(publisher.statuses.at(-1)).toMatchObject({
      code: 'NetStream.Publish.BadName',
      description: 'Stream is over its maximum bitrate of 1000 kbps',
    });
  });
});
