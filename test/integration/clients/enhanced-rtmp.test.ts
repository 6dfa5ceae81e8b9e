import { describe, expect, test } from '@jest/globals';
import { amfEncode } from '../../support/rtmp/amf-test-codec';
import {
  audioManyTracks,
  audioOneTrack,
  AudioPacketType,
  fourCcAudio,
  fourCcVideo,
  videoManyTracks,
  videoOneTrack,
  VideoPacketType,
  withModEx,
} from '../../support/rtmp/enhanced-media';
import { content, hevc12, type MediaItem } from '../../support/rtmp/media';
import { expectMedia, fingerprints, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';

const server = ServerOfFile.start();

const audio = (timestamp: number, payload: Buffer): MediaItem => ({ kind: 'audio', timestamp, payload });
const video = (timestamp: number, payload: Buffer): MediaItem => ({ kind: 'video', timestamp, payload });

/** A stream in parts: what a player that joins at its end needs is `headers` (audio first) and `fromKeyframe`. */
interface Parts {
  readonly headers: readonly MediaItem[];
  readonly before: readonly MediaItem[];
  readonly fromKeyframe: readonly MediaItem[];
}

/** Connects as players that support multitrack streams do. */
const multitrack = { extra: { capsEx: 2 } };

/** An early player gets every byte; a player that joins late gets what it needs. */
async function expectCached({ headers, before, fromKeyframe }: Parts): Promise<void> {
  const channel = server.newChannel();
  const early = await server.player(channel, 'key', multitrack);
  const publisher = await server.publisher(channel);
  const items = [...headers, ...before, ...fromKeyframe];
  sendMedia(publisher, items);
  await expectMedia(early, items);
  const late = await server.player(channel, 'key', multitrack);
  publisher.sendData(0, 'onTextData', 'marker');
  await late.nextMessage(({ data }) => data?.[0] === 'onTextData', 'the marker');
  expect(fingerprints(late.media)).toEqual(fingerprints([...headers, ...fromKeyframe]));
}

describe('enhanced RTMP passes through bit for bit, and late players get what they need', () => {
  test.each(['avc1', 'hvc1', 'av01', 'vp08', 'vp09', 'vvc1'])('video %s', async (fourCc) => {
    const codec = fourCcVideo(fourCc);
    await expectCached({
      headers: [video(0, codec.sequenceStart())],
      before: [
        video(0, codec.keyframe('k0', 2_000)),
        video(40, codec.interFrame('p1')),
        video(80, codec.interFrameX('p2')),
      ],
      fromKeyframe: [video(120, codec.keyframeX('k3', 2_000)), video(160, codec.interFrame('p4'))],
    });
  });

  test.each(['Opus', 'fLaC', 'ac-3', 'ec-3', '.mp3', 'mp4a'])('audio %s beside video', async (fourCc) => {
    const [sound, picture] = [fourCcAudio(fourCc), fourCcVideo('hvc1')];
    await expectCached({
      headers: [audio(0, sound.sequenceStart()), video(0, picture.sequenceStart())],
      before: [video(0, picture.keyframe('k0')), audio(10, sound.frame('a0'))],
      fromKeyframe: [video(40, picture.keyframe('k1')), audio(50, sound.frame('a1'))],
    });
  });

  test('HEVC as codec id 12 of the old tag, as some encoders send it', async () => {
    await expectCached({
      headers: [video(0, hevc12.sequenceHeader())],
      before: [video(0, hevc12.keyframe('k0')), video(40, hevc12.interFrame('p1'))],
      fromKeyframe: [video(80, hevc12.keyframe('k2')), video(120, hevc12.interFrame('p3'))],
    });
  });

  test('multichannel audio configuration and HDR colour information', async () => {
    const [sound, picture] = [fourCcAudio('Opus'), fourCcVideo('av01')];
    const colour = amfEncode('colorInfo', {
      colorConfig: { bitDepth: 10, colorPrimaries: 9 },
      hdrCll: { maxFall: 400 },
    });
    await expectCached({
      headers: [
        audio(0, sound.sequenceStart()),
        audio(0, sound.multichannelConfig(Buffer.of(1, 6, 0, 0, 0, 63))),
        video(0, picture.sequenceStart()),
        video(0, picture.metadata(colour)),
      ],
      before: [video(0, picture.keyframe('k0'))],
      fromKeyframe: [video(40, picture.keyframe('k1')), audio(41, sound.frame('a'))],
    });
  });

  test('multitrack as OBS sends it: one track to a packet, ids above 0, each with a sequence start', async () => {
    const track = (packetType: number, id: number, label: string, isKeyframe?: boolean): Buffer =>
      videoOneTrack(packetType, { id, fourCc: 'hvc1', body: content(label, 300) }, isKeyframe);
    const main = fourCcVideo('hvc1');
    await expectCached({
      headers: [
        audio(
          0,
          audioOneTrack(AudioPacketType.sequenceStart, { id: 1, fourCc: 'Opus', body: content('second language') }),
        ),
        video(0, main.sequenceStart()),
        video(0, track(VideoPacketType.sequenceStart, 1, 'config 1')),
        video(0, track(VideoPacketType.sequenceStart, 2, 'config 2')),
      ],
      before: [video(0, main.keyframe('k0')), video(0, track(VideoPacketType.codedFrames, 1, 'k0 of 1'))],
      fromKeyframe: [
        video(40, main.keyframe('k1')),
        video(40, track(VideoPacketType.codedFrames, 1, 'k1 of 1')),
        video(40, track(VideoPacketType.codedFrames, 2, 'k1 of 2')),
        video(80, track(VideoPacketType.codedFramesX, 2, 'p2 of 2', false)),
      ],
    });
  });

  test('many tracks in one packet, with one codec and with several', async () => {
    const tracks = (label: string, second: string) => [
      { id: 0, fourCc: 'hvc1', body: content(`${label} 0`, 200) },
      { id: 1, fourCc: second, body: content(`${label} 1`, 200) },
    ];
    for (const second of ['hvc1', 'av01']) {
      await expectCached({
        headers: [
          audio(0, audioManyTracks(AudioPacketType.sequenceStart, tracks('audio', 'Opus'))),
          video(0, videoManyTracks(VideoPacketType.sequenceStart, tracks('config', second))),
        ],
        before: [video(0, videoManyTracks(VideoPacketType.codedFramesX, tracks('k0', second)))],
        fromKeyframe: [
          video(40, videoManyTracks(VideoPacketType.codedFramesX, tracks('k1', second))),
          video(80, videoManyTracks(VideoPacketType.codedFramesX, tracks('p2', second), false)),
        ],
      });
    }
  });

  test('ModEx before any packet, nanosecond offsets of any length', async () => {
    const [sound, picture] = [fourCcAudio('Opus'), fourCcVideo('hvc1')];
    await expectCached({
      headers: [audio(0, sound.sequenceStart()), video(0, withModEx(picture.sequenceStart()))],
      before: [video(0, withModEx(picture.keyframe('k0')))],
      fromKeyframe: [
        video(40, withModEx(withModEx(picture.keyframe('k1'), content('long', 300)))),
        audio(45, withModEx(sound.frame('a'))),
        video(80, withModEx(picture.interFrame('p2'), content('l', 65_536))),
      ],
    });
  });

  test('sequence ends, command frames and packets cut short pass, and harm nobody', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const publisher = await server.publisher(channel);
    const picture = fourCcVideo('hvc1');
    const items = [
      video(0, picture.sequenceEnd()),
      audio(0, fourCcAudio('Opus').sequenceEnd()),
      video(0, Buffer.of(0xd0)),
      video(0, Buffer.of(0x86)),
      video(0, Buffer.of(0x87, 0xff)),
      audio(0, Buffer.of(0x95)),
      audio(0, Buffer.of(0x97, 0xff, 0xff)),
      video(0, Buffer.of(0x90, 0x68, 0x76)),
    ];
    sendMedia(publisher, items);
    await expectMedia(player, items);
  });
});

describe('a player that does not say that it understands multitrack', () => {
  const sides = (id: number, label: string, packetType: number = VideoPacketType.codedFramesX): MediaItem =>
    video(0, videoOneTrack(packetType, { id, fourCc: 'hvc1', body: content(label, 300) }));
  const main = fourCcVideo('hvc1');
  const obs = [
    video(0, main.sequenceStart()),
    sides(1, 'config 1', VideoPacketType.sequenceStart),
    video(0, main.keyframe('k0', 2_000)),
    sides(1, 'k0 of 1'),
    video(40, main.interFrame('p1')),
  ];
  const ofMain = obs.filter((_, i) => i % 2 === 0);

  /** A stream of two tracks with an early and a late player, which ask for it in this way. */
  async function play(query: string, extra = {}): Promise<Record<'early' | 'late', string[]>> {
    const channel = server.newChannel();
    const early = await server.player(channel, `key${query}`, { extra });
    const publisher = await server.publisher(channel);
    sendMedia(publisher, obs);
    await early.waitForPayload(main.interFrame('p1'));
    const late = await server.player(channel, `key${query}`, { extra });
    publisher.sendAudio(50, fourCcAudio('Opus').frame('marker'));
    for (const player of [early, late]) await player.waitForPayload(fourCcAudio('Opus').frame('marker'));
    return { early: fingerprints(early.media.slice(0, -1)), late: fingerprints(late.media.slice(0, -1)) };
  }

  test.each([
    ['gets the main track alone', '', {}, ofMain],
    ['gets it too when it can only reconnect', '', { capsEx: 1 }, ofMain],
    ['gets all of them for tracks=all', '?tracks=all', {}, obs],
    ['as does one that says so', '', { capsEx: 7 }, obs],
    ['but for tracks=default', '?x=1&tracks=default', { capsEx: 7 }, ofMain],
  ])('%s', async (_, query, extra, expected) => {
    const { early, late } = await play(query, extra);
    expect(early).toEqual(fingerprints(expected));
    expect(late.sort()).toEqual(fingerprints(expected).sort());
  });

  test('gets the main one of packets of many tracks as a packet of its own', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const publisher = await server.publisher(channel);
    const tracks = [0, 1].map((id) => ({ id, fourCc: 'hvc1', body: content(`picture ${id}`, 100_000) }));
    publisher.sendVideo(0, videoManyTracks(VideoPacketType.codedFramesX, tracks));
    await expectMedia(player, [video(0, main.keyframeX('picture 0', 100_000))]);
  });
});
