import { describe, expect, test } from '@jest/globals';
import { StreamStats } from '../../../service/hub/stream-stats';
import { MediaFlag } from '../../../service/protocol/media/media-tag';

const { Audio, Video, Data, Keyframe, Config } = MediaFlag;
const AVC = 7;
const AAC = 10;

describe('stream statistics', () => {
  test('rates are those of the last two seconds', () => {
    const stats = new StreamStats(10_000);
    const second = (start: number, frames: number): void => {
      for (let i = 0; i < frames; i += 1) stats.add(5_000, Video, AVC, start + (i * 1000) / frames);
      for (let i = 0; i < 50; i += 1) stats.add(200, Audio, AAC, start + i * 20);
      stats.add(100, Data, -1, start);
    };
    second(0, 30);
    stats.tick(11_000);
    expect([stats.bitrateKbps, stats.frameRate]).toEqual([0, 0]);
    second(1000, 30);
    stats.tick(12_000);
    expect([stats.videoKbps, stats.audioKbps, stats.bitrateKbps]).toEqual([1200, 80, 1281]);
    expect(stats.frameRate).toBe(30);
    second(2000, 15);
    second(3000, 15);
    stats.tick(14_000);
    expect([stats.videoKbps, stats.frameRate]).toEqual([600, 15]);
    stats.tick(16_000);
    expect([stats.bitrateKbps, stats.frameRate]).toEqual([0, 0]);
  });

  test('headers and the frames of side tracks are no frames; codecs are the newest of the main track', () => {
    const stats = new StreamStats(0);
    stats.add(50, Video | Config, AVC, 0);
    stats.add(50, Video | Keyframe, AVC, 0);
    stats.add(50, Video, -1, 0);
    stats.add(20, Audio, AAC, 0);
    stats.add(20, Audio, -1, 0);
    expect([stats.videoFrames, stats.videoCodec, stats.audioCodec]).toEqual([1, AVC, AAC]);
    expect([stats.bytes, stats.videoBytes, stats.audioBytes, stats.messages]).toEqual([190, 150, 40, 5]);
  });

  test('the keyframe interval goes by timestamps, past the end of the clock too', () => {
    const stats = new StreamStats(0);
    stats.add(50, Video | Keyframe, AVC, 0xffffffff - 999);
    expect(stats.keyframeIntervalSeconds).toBe(0);
    stats.add(50, Video, AVC, 0xffffffff);
    stats.add(50, Video | Keyframe, AVC, 1_000);
    expect(stats.keyframeIntervalSeconds).toBe(2);
    expect(stats.lastTimestamp).toBe(1_000);
  });

  test.each([
    ['back', 5_000],
    ['on by days', 0x30000000],
  ])('a step of the clock %s is no interval', (_, stepTo) => {
    const stats = new StreamStats(0);
    for (const timestamp of [100_000, 102_000, stepTo]) stats.add(50, Video | Keyframe, AVC, timestamp);
    expect(stats.keyframeIntervalSeconds).toBe(2);
    stats.add(50, Video | Keyframe, AVC, stepTo + 3_000);
    expect(stats.keyframeIntervalSeconds).toBe(3);
  });
});
