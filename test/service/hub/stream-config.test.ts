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

  test('the newest last where messages of many tracks hold what others hold too', () => {
    const config = new StreamConfig();
    const [many, one] = [0x10000 + 256 * 16, 0x10000];
    config.set(0, message(8, 'audio'));
    config.set(many, message(9, 'both tracks'));
    config.set(one, message(9, 'track 0 anew'));
    const order = (): string[] =>
      config
        .encodeFor(1)
        .toString('latin1')
        .match(/[a-z][a-z 0-9]+/g)!;
    expect(order()).toEqual(['audio', 'both tracks', 'track 0 anew']);
    config.set(many, message(9, 'both anew'));
    config.set(one, message(9, 'track 0 anew'));
    expect(order()).toEqual(['audio', 'track 0 anew', 'both anew']);
  });

  test('the one before for players that start before the place where it was replaced', () => {
    const config = new StreamConfig();
    config.set(0, message(8, 'first'), 100);
    config.set(0, message(8, 'second'), 500);
    expect(config.encodeFor(1, 0)).toEqual(message(8, 'first'));
    expect(config.encodeFor(1, 499)).toEqual(message(8, 'first'));
    expect(config.encodeFor(1, 500)).toEqual(message(8, 'second'));
  });

  test('the one that applied where they start, of any number that were replaced', () => {
    const config = new StreamConfig();
    for (const at of [0, 100, 200, 300]) {
      config.set(0, message(8, `audio of ${at}`), at);
      config.set(0x10000, message(9, `video of ${at}`), at + 50);
    }
    const of = (audio: number, video: number): Buffer =>
      Buffer.concat([message(8, `audio of ${audio}`), message(9, `video of ${video}`)]);
    expect([0, 99, 100, 149, 150, 299, 300, 350].map((from) => config.encodeFor(1, from))).toEqual([
      ...[of(0, 0), of(0, 0), of(100, 0), of(100, 0), of(100, 100), of(200, 200), of(300, 200), of(300, 300)],
    ]);
    config.forgetBefore(220);
    expect([220, 300, 350].map((from) => config.encodeFor(1, from))).toEqual([
      of(200, 100),
      of(300, 200),
      of(300, 300),
    ]);
  });

  test('the one of before for players that start before another codec, whose header came too', () => {
    const config = new StreamConfig();
    const [aac, mp3] = [10, 2];
    config.set(0, message(8, 'first'), 0, aac);
    config.codecChanged(false, mp3, 100);
    config.set(0, message(8, 'second'), 200, aac);
    expect(config.encodeFor(1, 99)).toEqual(message(8, 'first'));
    expect(config.encodeFor(1, 100)).toHaveLength(0);
    expect(config.encodeFor(1, 200)).toEqual(message(8, 'second'));
  });

  test('none of a codec that the main track has no more', () => {
    const config = new StreamConfig();
    const [aac, mp3, avc] = [10, 2, 7];
    config.set(0, message(8, 'audio'), 0, aac);
    config.set(16, message(8, 'side track'), 0, -1);
    config.set(0x10000, message(9, 'video'), 0, avc);
    config.codecChanged(true, Buffer.from('avc1').readUInt32BE(), 200);
    config.codecChanged(false, mp3, 300);
    const rest = Buffer.concat([message(8, 'side track'), message(9, 'video')]);
    expect(config.encodeFor(1, 300)).toEqual(rest);
    expect(config.encodeFor(1, 200)).toEqual(Buffer.concat([message(8, 'audio'), rest]));
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

  test('too many that were replaced, until those that no player can need are forgotten', () => {
    const config = new StreamConfig();
    for (let at = 0; at <= 64; at += 1) config.set(at % 2, message(9, `${at}`), at);
    expect(config.hasTooManyReplaced).toBe(false);
    for (let at = 65; at <= 67; at += 1) config.set(at % 2, message(9, `${at}`), at);
    expect(config.hasTooManyReplaced).toBe(true);
    config.forgetBefore(3);
    expect(config.hasTooManyReplaced).toBe(false);
  });

  test('none of unusual size; the one before it is of no use any more', () => {
    const config = new StreamConfig();
    config.set(1, message(9, 'fine'));
    config.set(1, message(9, 'x'.repeat(70_000)));
    expect(config.encodeFor(1)).toHaveLength(0);
  });
});
