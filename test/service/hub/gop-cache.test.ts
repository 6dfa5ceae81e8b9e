import { describe, expect, test } from '@jest/globals';
import { GopCache, MAX_CACHED_MESSAGES } from '../../../service/hub/gop-cache';
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

  test('it holds so many messages, however small, and no more', () => {
    const cache = new GopCache(1 << 28);
    const frames = (from: number, to: number): void => {
      for (let i = from; i < to; i += 1) cache.add(i * 13, (i + 1) * 13, i === 0 ? KEY : Video, i);
    };
    frames(0, MAX_CACHED_MESSAGES);
    expect([cache.start, cache.messages]).toEqual([0, MAX_CACHED_MESSAGES]);
    frames(MAX_CACHED_MESSAGES, MAX_CACHED_MESSAGES + 1);
    expect([cache.start, cache.messages]).toEqual([-1, 0]);
  });

  test('the bound is of messages: what is left unused where memory ends does not count', () => {
    const cache = new GopCache(1_000);
    for (let i = 0; i < 10; i += 1) cache.add(i * 1_000, i * 1_000 + 100, i === 0 ? KEY : Video, i * 40);
    expect(cache.start).toBe(0);
    cache.add(10_000, 10_001, Video, 400);
    expect(cache.start).toBe(-1);
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

describe('with video that stops', () => {
  /** Audio from `start` on, every 20 ms for this many seconds. */
  const audioFor = (seconds: number, start: number, every = 20): (readonly [number, number])[] =>
    Array.from({ length: (seconds * 1000) / every }, (_, i) => [Audio, (start + i * every) >>> 0] as const);
  const moving = [[KEY, 0] as const, [Video, 40] as const, [Video, 80] as const];

  test('it starts at the keyframe for some seconds more, then at the last seconds of audio', () => {
    expect(after(1 << 20, ...moving, ...audioFor(4.9, 100)).start).toBe(0);
    const messages = [...moving, ...audioFor(60, 100)];
    const cache = after(1 << 20, ...messages);
    expect(cache.startsAtKeyframe).toBe(false);
    const kept = messages.length - cache.start / 100;
    expect(kept).toBeGreaterThan(2 * 50);
    expect(kept).toBeLessThanOrEqual(3 * 50);
  });

  test('it is empty when there is nothing but data, until video is back', () => {
    const data = Array.from({ length: 6_000 }, (_, i) => [Data, i] as const);
    expect(after(1 << 20, ...moving, ...data).start).toBe(-1);
    expect(after(1 << 20, ...moving, ...data, [Video, 9_000], [KEY, 9_040]).start).toBe(600_400);
  });

  test.each([
    ['stands', 0],
    ['runs backwards', -20],
    ['leaps', 70_000],
  ])('it is bounded while the clock %s', (_, every) => {
    const audio = Array.from({ length: 20_000 }, (_unused, i) => [Audio, (100 + i * every) >>> 0] as const);
    const { start } = after(1 << 24, ...moving, ...audio);
    expect(2_000_300 - start).toBeLessThanOrEqual(300_000);
  });

  test('a slide show goes on: the next picture is due when the one before was', () => {
    const slides = [0, 10, 20, 30].flatMap((second) => [
      [KEY, second * 1000] as const,
      ...audioFor(9.9, second * 1000),
    ]);
    for (let count = 1; count <= slides.length; count += 1) {
      const { startsAtKeyframe } = after(1 << 20, ...slides.slice(0, count));
      expect(startsAtKeyframe).toBe(true);
    }
  });

  test('announced video that never comes is none', () => {
    expect(after(1 << 20, HEADER, ...audioFor(30, 0)).start).toBeGreaterThan(0);
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

  test('in packets of many tracks too, and it starts with the main one', () => {
    const { SideTrack, WrappedMain } = MediaFlag;
    const pairs = Array.from({ length: 200 }, (_, i) => [
      [Audio | SideTrack, i * 20] as const,
      [Audio | WrappedMain, i * 20] as const,
    ]).flat();
    const { start } = after(1 << 20, ...pairs);
    expect(start).toBeGreaterThan(0);
    expect(start % 200).toBe(100);
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
