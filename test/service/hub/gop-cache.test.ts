import { describe, expect, test } from '@jest/globals';
import { GopCache } from '../../../service/hub/gop-cache';
import { MediaFlag } from '../../../service/protocol/media/media-tag';

const { Audio, Video, Data, Keyframe, Config, SequenceHeader } = MediaFlag;
const KEY = Video | Keyframe;
const HEADER = Video | Config | SequenceHeader;

/** A cache that has seen messages of 100 bytes each; times are 40 ms apart unless given. */
function after(maxBytes: number, ...messages: (number | readonly [flags: number, timestamp: number])[]): GopCache {
  const cache = new GopCache(maxBytes);
  for (const [i, message] of messages.entries()) {
    const [flags, timestamp] = typeof message === 'number' ? [message, i * 40] : message;
    cache.add(i * 100, (i + 1) * 100, flags, timestamp);
  }
  return cache;
}

describe('with video', () => {
  test('it starts at the last keyframe', () => {
    expect(after(10_000, HEADER, KEY, Video, Audio).start).toBe(100);
    expect(after(10_000, HEADER, KEY, Video, Audio, KEY, Audio, Video).start).toBe(400);
    expect(after(10_000, HEADER, KEY, Video).startsAtKeyframe).toBe(true);
  });

  test('there is none before the first keyframe, audio before it or not', () => {
    expect(after(10_000, HEADER, Video, Audio).start).toBe(-1);
    expect(after(10_000, Audio, Audio, Video, Audio).start).toBe(-1);
    expect(after(10_000, Audio, HEADER).startsAtKeyframe).toBe(false);
  });

  test('a new sequence header makes what was before it useless', () => {
    expect(after(10_000, KEY, Video, HEADER, Video).start).toBe(-1);
    expect(after(10_000, KEY, Video, HEADER, KEY, Video).start).toBe(300);
  });

  test('repeated headers, codec metadata, audio headers and data do not', () => {
    expect(after(10_000, KEY, Video | Config, Audio | Config | SequenceHeader, Data, Video).start).toBe(0);
  });

  test('past the bound it is dropped until the next keyframe', () => {
    expect(after(400, KEY, Video, Video, Video).start).toBe(0);
    expect(after(400, KEY, Video, Video, Video, Audio).start).toBe(-1);
    expect(after(400, KEY, Video, Video, Video, Video, Video, KEY, Video).start).toBe(600);
    expect(after(99, KEY).start).toBe(-1);
  });

  test('cleared, it fills again from the next keyframe', () => {
    const cache = after(10_000, KEY, Video);
    cache.clear();
    cache.add(200, 300, Video, 80);
    expect(cache.start).toBe(-1);
    cache.add(300, 400, KEY, 120);
    expect(cache.start).toBe(300);
  });
});

describe('with audio alone', () => {
  /** Frames of 20 ms, each of 100 bytes. */
  const seconds = (count: number, start = 0): (readonly [number, number])[] =>
    Array.from({ length: count * 50 }, (_, i) => [Audio, (start + i * 20) >>> 0] as const);

  test.each([1, 2, 3, 10, 60])('after %d seconds it holds the last two to three', (count) => {
    const messages = seconds(count);
    const { start, startsAtKeyframe } = after(1 << 20, ...messages);
    const kept = (messages.length * 100 - start) / 5000;
    expect(kept).toBeGreaterThan(Math.min(count, 2) - 0.001);
    expect(kept).toBeLessThanOrEqual(3);
    expect(startsAtKeyframe).toBe(false);
  });

  test('round the end of the clock as well', () => {
    const messages = seconds(20, 0xffffffff - 10_000);
    const kept = (messages.length * 100 - after(1 << 20, ...messages).start) / 5000;
    expect(kept).toBeGreaterThan(1.9);
    expect(kept).toBeLessThanOrEqual(3);
  });

  test('past the bound it starts anew', () => {
    const { start } = after(6_000, ...seconds(3));
    expect(start === -1 || 15_000 - start <= 6_000).toBe(true);
  });

  test('video takes over when it comes', () => {
    expect(after(1 << 20, ...seconds(2), KEY, Video).start).toBe(10_000);
  });
});

test('0 turns it off', () => {
  expect(after(0, KEY, Video, Audio).start).toBe(-1);
  expect(after(0, Audio, Audio).start).toBe(-1);
});
