import { describe, expect, test } from '@jest/globals';
import { type Amf, amfDecode, amfEncode, ecma } from './amf-test-codec';
import { aggregate, ChunkBuilder, MessageType, type ChunkForm } from './wire-builder';
import { ChunkDecoder } from './wire-reader';
import { avcConfigRecord, hevcConfigRecord } from './media';

const video = (timestamp: number, text: string) => ({
  type: MessageType.video,
  streamId: 1,
  timestamp,
  payload: Buffer.from(text),
});

describe('the wire of the tests', () => {
  const forms: [string, ChunkForm][] = [
    ['format 0', {}],
    ['format 1', { fmt: 1 }],
    ['a 2-byte basic header', { csid: 200 }],
    ['a 3-byte basic header', { csid: 60_000 }],
    ['chunks of one byte', { chunkSize: 1 }],
  ];
  test.each(forms)('what is written with %s is read back, byte by byte', (_, form) => {
    const builder = new ChunkBuilder();
    const decoder = new ChunkDecoder();
    decoder.chunkSize = builder.chunkSize = form.chunkSize ?? 128;
    const sent = [
      video(0, 'first'),
      video(0xfffffe, 'at the edge'),
      video(0x1000005, 'past it'),
      video(0x1000006, 'x'),
    ];
    const wire = Buffer.concat(
      sent.map((message, index) => builder.message(message, index === 0 ? { ...form, fmt: 0 } : form)),
    );
    const read = [...wire].flatMap((byte) => decoder.push(Buffer.of(byte)));
    expect(read).toMatchObject(sent);
  });

  test('AMF0 values survive', () => {
    const values: Amf[] = [
      'a',
      1.5,
      true,
      null,
      undefined,
      { deep: { er: [1, 'two', new Date(5)] } },
      'x'.repeat(70_000),
    ];
    expect(amfDecode(amfEncode(...values))).toEqual(values);
    expect(amfDecode(amfEncode(ecma({ width: 1280 }, 99)))).toEqual([{ width: 1280 }]);
  });

  test('an aggregate holds FLV tags', () => {
    expect(aggregate([video(0x1020304, 'ab')], 1, 0).payload.toString('hex')).toBe(
      '09000002020304010000006162' + '0000000d',
    );
  });

  test('the configurations have the lengths they state', () => {
    expect(avcConfigRecord).toHaveLength(47);
    expect(hevcConfigRecord.subarray(-7).toString('hex')).toBe('4401c172b46240');
    expect(hevcConfigRecord).toHaveLength(23 + 5 + 24 + 5 + 43 + 5 + 7);
  });
});
