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
} from '../../support/enhanced-media';
import { content } from '../../support/media';
import type { FakePlayer } from './fake-player';
import { StreamBench } from './stream-bench';

const { sequenceStart, codedFramesX } = VideoPacketType;
const hevc = fourCcVideo('hvc1');
const opus = fourCcAudio('Opus');
const side = (packetType: number, id: number, label: string, isKeyframe = true): Buffer =>
  videoOneTrack(packetType, { id, fourCc: 'hvc1', body: content(label) }, isKeyframe);

const payloads = (bench: StreamBench, { outlet }: FakePlayer): Buffer[] =>
  outlet.messages(bench.env.chunkSize).map(({ payload }) => payload);

/** Sends to the stream and flushes. */
function video(bench: StreamBench, ...messages: Buffer[]): void {
  for (const payload of messages) bench.video(40, payload);
  bench.flush();
}

describe('a stream of one track', () => {
  test('is the same bytes for players that know of multitrack and those that do not', () => {
    const bench = new StreamBench();
    const [all, main] = [bench.join(), bench.join({ wantsAllTracks: false })];
    video(bench, hevc.sequenceStart(), hevc.keyframe('k'));
    expect(main.outlet.last).toBe(all.outlet.last);
    const [lateAll, lateMain] = [bench.join(), bench.join({ wantsAllTracks: false })];
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
    const bench = new StreamBench();
    const all = bench.join();
    const [first, second] = [bench.join({ wantsAllTracks: false }), bench.join({ wantsAllTracks: false })];
    video(bench, ...headers);
    video(bench, ...frames);
    const { writes } = first.outlet;
    video(bench, ...frames);
    expect(payloads(bench, all)).toEqual([...headers, ...frames, ...frames]);
    expect(payloads(bench, first)).toEqual(ofMain([...headers, ...frames, ...frames]));
    expect(second.outlet.last).toBe(first.outlet.last);
    expect(first.outlet.writes).toBe(writes + 1);
    expect(bench.stream.playerCount).toBe(3);
  });

  test('neither their headers nor their frames come out of the cache', () => {
    const bench = new StreamBench();
    video(bench, ...headers, ...frames);
    const late = bench.join({ wantsAllTracks: false });
    expect(payloads(bench, late)).toEqual(ofMain([...headers, ...frames]));
    expect(payloads(bench, bench.join())).toEqual([...headers, ...frames]);
    video(bench, ...frames);
    expect(payloads(bench, late)).toEqual(ofMain([...headers, ...frames, ...frames]));
  });

  test('a header of theirs is none that a player without them has missed', () => {
    const bench = new StreamBench();
    const fake = bench.join({ wantsAllTracks: false, streamId: 3 });
    video(bench, ...headers);
    expect(fake.player.missedHeaders).toBe(0);
  });

  test('a player that lags, pauses or has no audio gets none either', () => {
    const bench = new StreamBench();
    const fake = bench.join({ wantsAllTracks: false });
    fake.player.wantsAudio = false;
    bench.stream.playerChanged(fake.player);
    bench.audio(0, opus.sequenceStart());
    video(bench, ...headers, ...frames);
    fake.player.wantsAudio = true;
    fake.player.paused = true;
    bench.stream.playerChanged(fake.player);
    video(bench, ...frames);
    fake.player.paused = false;
    bench.stream.sendHeaders(fake.player);
    bench.stream.resumePlayer(fake.player);
    video(bench, ...frames);
    expect(payloads(bench, fake)).toEqual([
      ...ofMain([...headers, ...frames]),
      opus.sequenceStart(),
      ...ofMain([...headers, ...frames, ...frames]),
    ]);
    expect(fake.player.shares).toBe(true);
  });

  test('one that cannot keep up is noticed, and removed players get nothing', () => {
    const bench = new StreamBench();
    const slow = bench.join({ wantsAllTracks: false, fast: false });
    const gone = bench.join({ wantsAllTracks: false });
    video(bench, ...headers, ...frames);
    bench.stream.removePlayer(gone.player);
    const { writes } = gone.outlet;
    for (let i = 0; i < 9; i += 1) video(bench, hevc.interFrame('large', 1 << 20));
    expect(slow.player.laggingSince).toBeGreaterThan(0);
    expect(gone.outlet.writes).toBe(writes);
    expect(bench.stream.playerCount).toBe(1);
    bench.stream.end();
    expect(bench.stream.playerCount).toBe(0);
  });
});

describe('packets of many tracks', () => {
  const tracks = (label: string, second: string) => [
    { id: 0, fourCc: 'hvc1', body: content(`${label} 0`, 9_000) },
    { id: 1, fourCc: second, body: content(`${label} 1`, 200) },
  ];
  const body = (label: string): Buffer => content(`${label} 0`, 9_000);

  test.each(['hvc1', 'av01'])('are cut to the main one for players that know of no multitrack, beside %s', (second) => {
    const bench = new StreamBench();
    const [all, early] = [bench.join(), bench.join({ wantsAllTracks: false })];
    const sent = [
      videoManyTracks(sequenceStart, tracks('config', second)),
      videoManyTracks(codedFramesX, tracks('k0', second)),
      videoManyTracks(codedFramesX, tracks('p1', second), false),
    ];
    video(bench, ...sent);
    expect(payloads(bench, all)).toEqual(sent);
    const alone = [hevc.sequenceStart(body('config')), hevc.keyframeX('k0 0', 9_000), hevc.interFrameX('p1 0', 9_000)];
    expect(payloads(bench, early)).toEqual(alone);
    expect(payloads(bench, bench.join({ wantsAllTracks: false }))).toEqual(alone);
    expect(payloads(bench, bench.join())).toEqual(sent);
  });

  test('of audio too, and a single track that has a number', () => {
    const bench = new StreamBench();
    const early = bench.join({ wantsAllTracks: false });
    const audioTracks = [
      { id: 0, fourCc: 'Opus', body: content('main') },
      { id: 1, fourCc: 'Opus', body: content('second language') },
    ];
    bench.audio(0, audioManyTracks(AudioPacketType.codedFrames, audioTracks));
    bench.audio(0, audioOneTrack(AudioPacketType.codedFrames, audioTracks[0]!));
    bench.audio(0, audioOneTrack(AudioPacketType.codedFrames, audioTracks[1]!));
    bench.flush();
    expect(payloads(bench, early)).toEqual([opus.frame('main'), opus.frame('main')]);
  });
});
