import { describe, expect, test } from '@jest/globals';
import { lowestTrackIn, mainTrackAlone } from '../../../../service/protocol/media/main-track';
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
} from '../../../support/rtmp/enhanced-media';
import { aac, avc, content } from '../../../support/rtmp/media';

const video = (payload: Buffer, main = 0): Buffer | undefined => mainTrackAlone(payload, true, main);
const audio = (payload: Buffer, main = 0): Buffer | undefined => mainTrackAlone(payload, false, main);
const track = (id: number, fourCc: string) => ({ id, fourCc, body: content(`body of ${id}`, 300) });

describe('the main track of a multitrack packet is a packet of its own, as encoders without multitrack send it', () => {
  const [hevc, opus] = [fourCcVideo('hvc1'), fourCcAudio('Opus')];
  const start = VideoPacketType.sequenceStart;

  test('out of one track', () => {
    expect(video(videoOneTrack(start, track(0, 'hvc1')))).toEqual(hevc.sequenceStart(track(0, 'hvc1').body));
    expect(video(videoOneTrack(VideoPacketType.codedFramesX, track(0, 'hvc1'), false))).toEqual(
      hevc.interFrameX('body of 0', 300),
    );
    expect(audio(audioOneTrack(AudioPacketType.codedFrames, track(1, 'Opus')), 1)).toEqual(
      opus.frame('body of 1', 300),
    );
  });

  test.each([
    ['one codec', 'hvc1'],
    ['several codecs', 'av01'],
  ])('out of many, of %s', (_, second) => {
    const tracks = [track(2, second), track(0, 'hvc1'), track(1, second)];
    const alone = hevc.keyframeX('body of 0', 300);
    expect(video(videoManyTracks(VideoPacketType.codedFramesX, tracks))).toEqual(alone);
    expect(audio(audioManyTracks(AudioPacketType.codedFrames, [track(0, 'Opus'), track(1, second)]))).toEqual(
      opus.frame('body of 0', 300),
    );
  });

  test('behind ModEx, which stays', () => {
    const packet = videoOneTrack(VideoPacketType.codedFramesX, track(0, 'hvc1'));
    const alone = hevc.keyframeX('body of 0', 300);
    for (const data of [content('x', 3), content('x', 256), content('x', 300)]) {
      expect(video(withModEx(packet, data))).toEqual(withModEx(alone, data));
      expect(video(withModEx(withModEx(packet), data, 1))).toEqual(withModEx(withModEx(alone), data, 1));
    }
  });
});

test('a packet of other tracks has none', () => {
  expect(video(videoOneTrack(1, track(1, 'hvc1')))).toBeUndefined();
  expect(video(videoManyTracks(1, [track(1, 'hvc1'), track(2, 'hvc1')]))).toBeUndefined();
});

test('what is no multitrack packet is given back', () => {
  for (const payload of [
    avc.keyframe('k'),
    fourCcVideo('av01').keyframe('k'),
    withModEx(fourCcVideo('av01').keyframe('k')),
  ])
    expect(video(payload)).toBe(payload);
  for (const payload of [aac.frame('a'), fourCcAudio('Opus').frame('a'), Buffer.alloc(0)])
    expect(audio(payload)).toBe(payload);
});

test('packets cut short have none, or what is there', () => {
  const whole = [
    videoManyTracks(1, [track(1, 'hvc1'), track(0, 'av01')]),
    withModEx(videoOneTrack(1, track(0, 'hvc1')), content('x', 300)),
    audioManyTracks(1, [track(0, 'Opus'), track(1, 'Opus')]),
  ];
  for (const payload of whole) {
    for (let length = 0; length < payload.length; length += 1) {
      for (const isVideo of [true, false]) mainTrackAlone(Buffer.from(payload.subarray(0, length)), isVideo, 0);
    }
  }
});

test('a packet within a multitrack packet is no ModEx and no multitrack packet again', () => {
  for (const inner of [6, 7]) expect(video(videoOneTrack(inner, track(0, 'hvc1')))).toBeUndefined();
  for (const inner of [5, 7]) expect(audio(audioOneTrack(inner, track(0, 'Opus')))).toBeUndefined();
});

test('the lowest id of a multitrack packet, of its complete tracks', () => {
  const tracks = [track(4, 'hvc1'), track(2, 'hvc1'), track(9, 'hvc1'), track(1, 'hvc1')];
  const packet = videoManyTracks(VideoPacketType.codedFrames, tracks);
  expect(lowestTrackIn(packet, true)).toBe(1);
  expect(lowestTrackIn(packet.subarray(0, -1), true)).toBe(2);
  expect(lowestTrackIn(audioOneTrack(AudioPacketType.codedFrames, track(3, 'Opus')), false)).toBe(3);
  expect(lowestTrackIn(avc.keyframe('key'), true)).toBe(0);
});
