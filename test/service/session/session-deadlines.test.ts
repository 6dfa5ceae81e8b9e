import { beforeEach, describe, expect, test } from '@jest/globals';
import { aac, avc } from '../../support/rtmp/media';
import { MessageType, UserControl, userControl } from '../../support/rtmp/wire-builder';
import { ClientHandshake } from '../../support/rtmp/client-handshake';
import { SessionRig, type SessionClient } from './session-rig';

let rig: SessionRig;
beforeEach(() => {
  rig = new SessionRig();
});

const pings = ({ received }: SessionClient): number =>
  received.filter(
    ({ type, payload }) => type === MessageType.userControl && payload.readUInt16BE() === UserControl.pingRequest,
  ).length;
const pong = (client: SessionClient): void => client.send(userControl(UserControl.pingResponse, 1));

describe('time-outs of a session', () => {
  test('the handshake has 10 s in all, however its bytes trickle in', () => {
    const client = rig.open();
    const { c0c1 } = new ClientHandshake();
    let at = 0;
    rig.advance(10, () => client.bytes(c0c1.subarray(at, (at += 10))));
    expect(client.transport.ended).toBe(false);
    rig.advance(1, () => client.bytes(c0c1.subarray(at, at + 10)));
    expect(client.transport.ended).toBe(true);
    expect(rig.closed).toEqual(['handshake_timeout']);
  });

  test('connect has 10 s after the handshake, however its bytes trickle in', () => {
    const client = rig.open();
    client.shakeHands();
    const command = client.chunks.message({ type: 20, streamId: 0, timestamp: 0, payload: Buffer.alloc(100, 2) });
    let at = 0;
    rig.advance(12, () => client.bytes(command.subarray(at, (at += 1))));
    expect(rig.closed).toEqual(['connect_timeout']);
  });

  test('a connection that only answers pings, without publish or play, is closed after 90 s and told why', () => {
    const client = rig.connected();
    rig.advance(89, () => pong(client));
    expect(client.transport.ended).toBe(false);
    rig.advance(2, () => pong(client));
    expect(rig.closed).toEqual(['idle_timeout']);
    expect(client.statuses).toEqual([
      expect.objectContaining({
        level: 'error',
        code: 'NetConnection.Connect.Closed',
        description: 'neither publish nor play in time',
      }),
    ]);
  });

  test('a player is pinged every 30 s, and stays for as long as it answers', () => {
    const player = rig.connected();
    player.command('play', null, 'key');
    rig.advance(600, () => {
      if (rig.nowMs % 30_000 === 0) pong(player);
    });
    expect(pings(player)).toBe(20);
    expect(player.transport.ended).toBe(false);
  });

  test('a publisher never hears nothing for 10 s, not even while it is being decided on', async () => {
    rig.grant = undefined;
    const undecided = rig.connected();
    undecided.command('publish', null, 'other/key');
    rig.grant = { streamId: '' };
    const publisher = await rig.publisher();
    const heardAt = [rig.nowMs, rig.nowMs];
    rig.advance(100, () => {
      publisher.video(rig.nowMs, avc.keyframe('live'));
      [undecided, publisher].forEach((client, index) => {
        if (client.transport.written.splice(0).length > 0) heardAt[index] = rig.nowMs;
        expect(rig.nowMs - heardAt[index]!).toBeLessThan(10_000);
      });
    });
    expect(rig.closed).toEqual([]);
  });

  test('a publisher is pinged every 4 s while it is decided on, and every 6 s once it is accepted', async () => {
    rig.grant = undefined;
    const undecided = rig.connected();
    undecided.command('publish', null, 'other/key');
    rig.grant = { streamId: '' };
    const publisher = await rig.publisher();
    rig.advance(24, () => publisher.video(rig.nowMs, avc.keyframe('live')));
    expect([pings(undecided), pings(publisher)]).toEqual([6, 4]);
  });

  test.each([
    ['faster', 4_000],
    ['a little faster', 1_250],
    ['slower', 700],
  ])('a publisher that sends %s than time passes is not pinged: it may have closed already', async (_, step) => {
    const publisher = await rig.publisher();
    let clock = 0xffff0000;
    rig.advance(60, () => publisher.video((clock += step), avc.keyframe('from a file')));
    expect(pings(publisher)).toBe(0);
    rig.advance(15, () => publisher.video((clock += 1_000), avc.keyframe('live from here on')));
    expect(pings(publisher)).toBeGreaterThan(0);
  });

  test('a publisher that sends a frame now and then is pinged in between', async () => {
    const publisher = await rig.publisher();
    rig.advance(60, () => {
      if (rig.nowMs % 10_000 === 0) publisher.video(rig.nowMs, avc.keyframe('slide'));
    });
    expect(pings(publisher)).toBeGreaterThanOrEqual(6);
  });

  test('a peer that says nothing for 60 s is dead', async () => {
    const player = rig.connected();
    player.command('play', null, 'key');
    const publisher = await rig.publisher();
    rig.advance(60);
    expect(rig.closed).toEqual([]);
    rig.advance(1);
    expect(rig.closed).toEqual(['silent', 'silent']);
    expect(publisher.transport.ended).toBe(true);
    expect(rig.hub.publicationCount).toBe(0);
  });

  test('a time in which the process did not run counts for no time-out', async () => {
    const greeting = rig.open();
    const connecting = rig.open();
    connecting.shakeHands();
    const idle = rig.connected();
    const player = rig.connected();
    player.command('play', null, 'key');
    const publisher = await rig.publisher();
    rig.advance(2);
    // Longer than every limit. What the clients sent meanwhile has not been read at the first check after it.
    rig.nowMs += 600_000;
    rig.advance(1);
    expect(rig.closed).toEqual([]);
    rig.advance(7);
    expect(rig.closed).toEqual([]);
    rig.advance(2);
    expect(rig.closed).toEqual(['handshake_timeout', 'connect_timeout']);
    rig.advance(50);
    expect(rig.closed.slice(2)).toEqual(['silent', 'silent', 'silent']);
    for (const { transport } of [greeting, connecting, idle, player, publisher]) expect(transport.ended).toBe(true);
  });

  test('bytes that are read after such a time but before the first check count from that check on', () => {
    const player = rig.connected();
    player.command('play', null, 'key');
    rig.advance(2);
    rig.nowMs += 600_000;
    pong(player);
    rig.advance(1);
    rig.advance(60);
    expect(rig.closed).toEqual([]);
    rig.advance(1);
    expect(rig.closed).toEqual(['silent']);
  });

  test('a check that is a little late counts as any other', () => {
    const player = rig.connected();
    player.command('play', null, 'key');
    for (let passed = 0; passed < 60; passed += 3) {
      rig.nowMs += 2_000;
      rig.advance(1);
    }
    expect(rig.closed).toEqual([]);
    rig.advance(1);
    expect(rig.closed).toEqual(['silent']);
  });

  test('a publisher that answers pings but sends no media for 120 s is ended with the reason, its channel is free', async () => {
    const publisher = await rig.publisher();
    publisher.video(0, avc.keyframe('only'));
    rig.advance(120, () => pong(publisher));
    expect(rig.hub.publicationCount).toBe(1);
    rig.advance(1, () => pong(publisher));
    expect(rig.closed).toEqual(['media_timeout']);
    expect(publisher.statuses.at(-1)).toMatchObject({
      code: 'NetStream.Publish.BadName',
      description: 'no audio or video for 120 s',
    });
    expect(rig.hub.publicationCount).toBe(0);
  });

  test('both times are settings; clients are pinged at least twice before they count as silent', async () => {
    rig.context = { ...rig.context, timeouts: { mediaMs: 30_000, silentMs: 20_000 } };
    const player = rig.connected();
    player.command('play', null, 'key');
    const publisher = await rig.publisher();
    publisher.video(0, avc.keyframe('only'));
    rig.advance(20, () => pong(publisher));
    expect([pings(player), rig.closed]).toEqual([2, []]);
    rig.advance(1, () => pong(publisher));
    expect(rig.closed).toEqual(['silent']);
    rig.advance(10, () => pong(publisher));
    expect(rig.closed).toEqual(['silent', 'media_timeout']);
    expect(publisher.statuses.at(-1)?.description).toBe('no audio or video for 30 s');
  });

  test('a session tells when it last sent media, whatever becomes of that', async () => {
    const publisher = await rig.publisher();
    publisher.video(0, avc.keyframe('k'));
    const { publication } = publisher.session.streams.publishing!;
    publication.stream.sources.resume(publisher.session, false);
    const { videoBytes } = publication.stream.stats;
    rig.advance(7, () => publisher.video(rig.nowMs, avc.interFrame('undecodable')));
    expect(publisher.session.mediaAt).toBe(rig.nowMs);
    expect(publication.stream.stats.videoBytes).toBe(videoBytes);
    const before = rig.nowMs;
    rig.advance(3, () => pong(publisher));
    expect(publisher.session.mediaAt).toBe(before);
  });

  test('a publisher of audio once a minute goes on', async () => {
    const publisher = await rig.publisher();
    rig.advance(600, () => {
      if (rig.nowMs % 50_000 === 0) {
        publisher.send({ type: MessageType.audio, streamId: 1, timestamp: rig.nowMs, payload: aac.frame('a') });
      }
    });
    expect(rig.hub.publicationCount).toBe(1);
  });

  test('a publisher that is being decided on is not timed out here: the decision has its own time', () => {
    rig.grant = undefined;
    const client = rig.connected();
    client.command('publish', null, 'key');
    rig.advance(300);
    expect(client.transport.ended).toBe(false);
  });

  test('after deleteStream the connection has 90 s for the next publish', async () => {
    const publisher = await rig.publisher();
    rig.advance(100, () => publisher.video(rig.nowMs, avc.keyframe('x')));
    publisher.command('deleteStream', null, 1);
    rig.advance(90, () => pong(publisher));
    expect(rig.closed).toEqual([]);
    rig.advance(1, () => pong(publisher));
    expect(rig.closed).toEqual(['idle_timeout']);
  });
});

describe('limits that the start callback grants', () => {
  test('max-duration-seconds ends the publish with the reason', async () => {
    rig.grant = { streamId: '', maxDurationSeconds: 60 };
    const publisher = await rig.publisher();
    const sendVideo = (): void => publisher.video(rig.nowMs, avc.keyframe('x'));
    rig.advance(60, sendVideo);
    expect(rig.closed).toEqual([]);
    rig.advance(1, sendVideo);
    expect(rig.closed).toEqual(['killed']);
    expect(publisher.statuses.at(-1)).toMatchObject({
      code: 'NetStream.Publish.BadName',
      description: 'Stream reached its maximum duration of 60 s',
    });
  });

  test('max-duration-seconds is the time of the stream: a publisher that comes back has what is left of it', async () => {
    rig.grant = { streamId: 'id', maxDurationSeconds: 60 };
    rig.holdsLost = true;
    const lost = await rig.publisher();
    rig.advance(40, () => lost.video(rig.nowMs, avc.keyframe('x')));
    lost.session.disconnected(undefined);
    const again = await rig.publisher();
    const sendVideo = (): void => again.video(rig.nowMs, avc.keyframe('x'));
    rig.advance(20, sendVideo);
    expect(rig.closed).toEqual(['client_closed']);
    rig.advance(1, sendVideo);
    expect(rig.closed).toEqual(['client_closed', 'killed']);
  });

  test('max-duration-seconds counts the time that the stream was live on other nodes', async () => {
    rig.grant = { streamId: 'id', maxDurationSeconds: 60, liveElsewhereMs: 50_000 };
    const publisher = await rig.publisher();
    const sendVideo = (): void => publisher.video(rig.nowMs, avc.keyframe('x'));
    rig.advance(10, sendVideo);
    expect(rig.closed).toEqual([]);
    rig.advance(1, sendVideo);
    expect(rig.closed).toEqual(['killed']);
  });

  test('max-bitrate-kbps: over it for 10 s ends the publish with the reason, a short burst does not', async () => {
    rig.grant = { streamId: '', maxBitrateKbps: 1_000 };
    const publisher = await rig.publisher();
    const send = (kbps: number) => (): void => publisher.video(rig.nowMs, avc.keyframe('x', (kbps * 1_000) / 8));
    rig.advance(60, send(900));
    rig.advance(6, send(3_000));
    rig.advance(60, send(900));
    expect(rig.closed).toEqual([]);
    rig.advance(9, send(1_500));
    expect(rig.closed).toEqual([]);
    rig.advance(6, send(1_500));
    expect(rig.closed).toEqual(['killed']);
    expect(publisher.statuses.at(-1)).toMatchObject({
      code: 'NetStream.Publish.BadName',
      description: 'Stream is over its maximum bitrate of 1000 kbps',
    });
  });
});
