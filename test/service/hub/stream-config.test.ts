import { describe, expect, test } from '@jest/globals';
import { StreamConfig } from '../../../service/hub/stream-config';
import { encodeMessage } from '../../../service/protocol/chunk/chunk-writer';

const message = (typeId: number, content: string, timestamp = 0, streamId = 1): Buffer =>
  encodeMessage(5, timestamp, typeId, streamId, Buffer.from(content), 4096);

describe('what late players get first', () => {
  test('metadata, then the headers in the order of their keys, on the player’s message stream', () => {
    const config = new StreamConfig();
    config.set(0x10000, message(9, 'video'));
    config.set(0, message(8, 'audio'));
    config.set(0x10010, message(9, 'second track', 0x1000000));
    config.setMetadata(message(18, 'metadata'));
    for (const streamId of [1, 9]) {
      expect(config.encodeFor(streamId)).toEqual(
        Buffer.concat([
          message(18, 'metadata', 0, streamId),
          message(8, 'audio', 0, streamId),
          message(9, 'video', 0, streamId),
          message(9, 'second track', 0x1000000, streamId),
        ]),
      );
    }
  });

  test('the newest of each, copied from where it came', () => {
    const config = new StreamConfig();
    const encoded = message(9, 'first');
    config.set(1, encoded);
    encoded.fill(0);
    expect(config.encodeFor(1)).toEqual(message(9, 'first'));
    config.set(1, message(9, 'second', 40));
    config.setMetadata(message(18, 'old'));
    config.setMetadata(message(18, 'new'));
    expect(config.encodeFor(1)).toEqual(Buffer.concat([message(18, 'new'), message(9, 'second', 40)]));
  });

  test('nothing before there is any', () => {
    expect(new StreamConfig().encodeFor(1)).toHaveLength(0);
  });
});

describe('a repeated header', () => {
  test.each([0, 0x1000000])('is told from another, whatever its time, here %d', (timestamp) => {
    const config = new StreamConfig();
    expect(config.set(1, message(9, 'same'))).toBe(false);
    expect(config.has(1, message(9, 'same', timestamp))).toBe(true);
    expect(config.set(1, message(9, 'same', timestamp))).toBe(false);
    expect(config.has(2, message(9, 'same', timestamp))).toBe(false);
    expect(config.set(1, message(9, 'other', timestamp))).toBe(true);
    expect(config.set(2, message(9, 'of another track', timestamp))).toBe(false);
  });
});

describe('bounds', () => {
  test('no more than 64 headers; those that are there can still be replaced', () => {
    const config = new StreamConfig();
    for (let key = 0; key < 100; key += 1) config.set(key, message(9, 'x'));
    expect(config.encodeFor(1)).toHaveLength(64 * message(9, 'x').length);
    config.set(5, message(9, 'yy'));
    expect(config.encodeFor(1)).toHaveLength(64 * message(9, 'x').length + 1);
  });

  test('none of unusual size; the one before it is of no use any more', () => {
    const config = new StreamConfig();
    config.set(1, message(9, 'fine'));
    config.set(1, message(9, 'x'.repeat(70_000)));
    expect(config.encodeFor(1)).toHaveLength(0);
  });
});
