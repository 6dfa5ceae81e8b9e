import { describe, expect, test } from '@jest/globals';
import { PlaybackCheck } from '../../../service/round-trip/playback-check';
import { createTestStream, STREAM_DURATION_MS, type MediaMessage } from '../../../service/round-trip/test-stream';

const sent = createTestStream('this run');
const other = createTestStream('another run');
const keyframes = sent.frames.filter(({ keyframe }) => keyframe);

/** The check's result for a player that received exactly this. */
function check(media: readonly MediaMessage[], metadata: Buffer = sent.metadata): string {
  const playback = new PlaybackCheck(sent);
  playback.metadata(metadata);
  for (const message of media) playback.media(message);
  return playback.complete ? 'complete' : (playback.fault ?? `missing ${playback.missing()}`);
}

function from(timestamp: number): readonly MediaMessage[] {
  const first = sent.frames.findIndex((frame) => frame.keyframe && frame.timestamp === timestamp);
  return [...sent.headers, ...sent.frames.slice(first)];
}

test('the built-in stream has two seconds of audio and video with several key frames', () => {
  expect(sent.frames.at(-1)?.timestamp).toBeGreaterThan(STREAM_DURATION_MS - 50);
  expect(keyframes.length).toBeGreaterThanOrEqual(4);
  expect(keyframes[0]?.timestamp).toBe(0);
  expect(other.frames[0]?.payload.equals(sent.frames[0]?.payload ?? Buffer.alloc(0))).toBe(false);
});

describe('playback is good', () => {
  test('when all of it comes back', () => {
    expect(check(from(0))).toBe('complete');
  });

  test('when the player begins a little late, at a key frame, and hears the headers again', () => {
    const second = keyframes[1]?.timestamp ?? 0;
    expect(check([...sent.headers, ...from(second)])).toBe('complete');
  });
});

describe('playback is faulty', () => {
  const whole = from(0);
  const damaged = whole.map((message, index) => {
    if (index !== 60) return message;
    const payload = Buffer.from(message.payload);
    payload[payload.length - 1] = (payload.at(-1) ?? 0) ^ 1;
    return { ...message, payload };
  });

  test.each<[string, readonly MediaMessage[], RegExp]>([
    ['one bit is different', damaged, /^got (audio|video) at \d+ ms, expected \1 at \d+ ms$/],
    ['a frame is missing', whole.filter((_, index) => index !== 40), /^got .* expected/],
    ['a frame comes twice', [...whole.slice(0, 41), ...whole.slice(40)], /^got .* expected/],
    ['a timestamp is shifted', whole.map((m, i) => (i === 30 ? { ...m, timestamp: m.timestamp + 1 } : m)), /^got/],
    ['the end is missing', whole.slice(0, -1), /^missing audio at 1980 ms$/],
    ['a header is missing', whole.slice(1), /^missing sequence header of video/],
    ['it begins between key frames', [...sent.headers, ...sent.frames.slice(5)], /^got .* expected video at 0 ms$/],
    ['it begins too late', from(keyframes.at(-1)?.timestamp ?? 0), /^got video at .*, expected video at 0 ms$/],
    ['it is the stream of another run', [...sent.headers, ...other.frames], /^got video at 0 ms, expected video at 0/],
    ['nothing comes', [], /^missing sequence header/],
    ['something follows the end', [...whole, ...whole.slice(-1)], /expected nothing more$/],
  ])('when %s', (_name, media, fault) => {
    expect(check(media)).toMatch(fault);
  });

  test('when the metadata is different', () => {
    expect(check(whole, other.metadata)).toBe('onMetaData differs from what was published');
  });
});
