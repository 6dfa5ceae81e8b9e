import { describe, expect, test } from '@jest/globals';
import {
  audioManyTracks,
  audioOneTrack,
  AudioPacketType,
  fourCcAudio,
  fourCcVideo,
  videoManyTracks,
  videoOneTrack,
  VideoPacketType,
} from '../../support/rtmp/enhanced-media';
import { content } from '../../support/rtmp/media';
import type { FakePlayer } from './fake-player';
import { StreamRig } from './stream-rig';

const { sequenceStart, codedFramesX } = VideoPacketType;
const hevc = fourCcVideo('hvc1');
const opus = fourCcAudio('Opus');
const side = (packetType: number, id: number, label: string, isKeyframe = true): Buffer =>
  videoOneTrack(packetType, { id, fourCc: 'hvc1', body: content(label) }, isKeyframe);

const payloads = (rig: StreamRig, { outlet }: FakePlayer): Buffer[] =>
  outlet.messages(rig.env.chunkSize).map(({ payload }) => payload);

/** Sends to the stream and flushes. */
function video(rig: StreamRig, ...messages: Buffer[]): void {
  for (const payload of messages) rig.video(40, payload);
  rig.flush();
}

describe('a stream of one track', () => {
  test('is the same bytes for players that know of multitrack and those that do not', () => {
    const rig = new StreamRig();
    const [all, main] = [rig.join(), rig.join({ wantsAllTracks: false })];
    video(rig, hevc.sequenceStart(), hevc.keyframe('k'));
    expect(main.outlet.last).toBe(all.outlet.last);
    const [lateAll, lateMain] = [rig.join(), rig.join({ wantsAllTracks: false })];
    expect(lateMain.outlet.sent).toEqual(lateAll.outlet.sent);
  });
});

describe('side tracks, one to a packet', () => {
  const headers = [hevc.sequenceStart(), side(sequenceStart, 1, 'config 1')];
  const frames = [
    hevc.keyframe('k0', 9_000),
    side(codedFramesX, 1, 'k0 of 1'),
    hevc.interFrame('p1'),
    side(codedFramesX, 1, 'p1 of 1', false),
  ];
  const ofMain = (messages: readonly Buffer[]): Buffer[] => messages.filter((_, i) => i % 2 === 0);

  test('go to players that know of multitrack only; all others share one selection', () => {
    const rig = new StreamRig();
    const all = rig.join();
    const [first, second] = [rig.join({ wantsAllTracks: false }), rig.join({ wantsAllTracks: false })];
    video(rig, ...headers);
    video(rig, ...frames);
    const { writes } = first.outlet;
    video(rig, ...frames);
    expect(payloads(rig, all)).toEqual([...headers, ...frames, ...frames]);
    expect(payloads(rig, first)).toEqual(ofMain([...headers, ...frames, ...frames]));
    expect(second.outlet.last).toBe(first.outlet.last);
    expect(first.outlet.writes).toBe(writes + 1);
    expect(rig.stream.playerCount).toBe(3);
  });

  test('neither their headers nor their frames come out of the cache', () => {
    const rig = new StreamRig();
    video(rig, ...headers, ...frames);
    const late = rig.join({ wantsAllTracks: false });
    expect(payloads(rig, late)).toEqual(ofMain([...headers, ...frames]));
    expect(payloads(rig, rig.join())).toEqual([...headers, ...frames]);
    video(rig, ...frames);
    expect(payloads(rig, late)).toEqual(ofMain([...headers, ...frames, ...frames]));
  });

  test('a header of theirs is none that a player without them has missed', () => {
    const rig = new StreamRig();
    const fake = rig.join({ wantsAllTracks: false, streamId: 3 });
    video(rig, ...headers);
    expect(fake.player.missedHeaders).toBe(0);
  });

  test('a player that lags, pauses or has no audio gets none either', () => {
    const rig = new StreamRig();
    const fake = rig.join({ wantsAllTracks: false });
    fake.player.wantsAudio = false;
    rig.stream.playerChanged(fake.player);
    rig.audio(0, opus.sequenceStart());
    video(rig, ...headers, ...frames);
    fake.player.wantsAudio = true;
    fake.player.paused = true;
    rig.stream.playerChanged(fake.player);
    video(rig, ...frames);
    fake.player.paused = false;
    rig.stream.sendHeaders(fake.player);
    rig.stream.resumePlayer(fake.player);
    video(rig, ...frames);
    expect(payloads(rig, fake)).toEqual([
      ...ofMain([...headers, ...frames]),
      opus.sequenceStart(),
      ...ofMain([...headers, ...frames, ...frames]),
    ]);
    expect(fake.player.shares).toBe(true);
  });

  test('one that cannot keep up is noticed, and removed players get nothing', () => {
    const rig = new StreamRig();
    const slow = rig.join({ wantsAllTracks: false, fast: false });
    const gone = rig.join({ wantsAllTracks: false });
    video(rig, ...headers, ...frames);
    rig.stream.removePlayer(gone.player);
    const { writes } = gone.outlet;
    for (let i = 0; i < 9; i += 1) video(rig, hevc.interFrame('large', 1 << 20));
    expect(slow.player.laggingSince).toBeGreaterThan(0);
    expect(gone.outlet.writes).toBe(writes);
    expect(rig.stream.playerCount).toBe(1);
    rig.stream.end();
    expect(rig.stream.playerCount).toBe(0);
  });
});

describe('packets of many tracks', () => {
  const tracks = (label: string, second: string) => [
    { id: 0, fourCc: 'hvc1', body: content(`${label} 0`, 9_000) },
    { id: 1, fourCc: second, body: content(`${label} 1`, 200) },
  ];
  const body = (label: string): Buffer => content(`${label} 0`, 9_000);

  test.each(['hvc1', 'av01'])('are cut to the main one for players that know of no multitrack, beside %s', (second) => {
    const rig = new StreamRig();
    const [all, early] = [rig.join(), rig.join({ wantsAllTracks: false })];
    const sent = [
      videoManyTracks(sequenceStart, tracks('config', second)),
      videoManyTracks(codedFramesX, tracks('k0', second)),
      videoManyTracks(codedFramesX, tracks('p1', second), false),
    ];
    video(rig, ...sent);
    expect(payloads(rig, all)).toEqual(sent);
    const alone = [hevc.sequenceStart(body('config')), hevc.keyframeX('k0 0', 9_000), hevc.interFrameX('p1 0', 9_000)];
    expect(payloads(rig, early)).toEqual(alone);
    expect(payloads(rig, rig.join({ wantsAllTracks: false }))).toEqual(alone);
    expect(payloads(rig, rig.join())).toEqual(sent);
  });

  test('of audio too, and a single track that has a number', () => {
    const rig = new StreamRig();
    const early = rig.join({ wantsAllTracks: false });
    const audioTracks = [
      { id: 0, fourCc: 'Opus', body: content('main') },
      { id: 1, fourCc: 'Opus', body: content('second language') },
    ];
    rig.audio(0, audioManyTracks(AudioPacketType.codedFrames, audioTracks));
    rig.audio(0, audioOneTrack(AudioPacketType.codedFrames, audioTracks[0]!));
    rig.audio(0, audioOneTrack(AudioPacketType.codedFrames, audioTracks[1]!));
    rig.flush();
    expect(payloads(rig, early)).toEqual([opus.frame('main'), opus.frame('main')]);
  });
});
