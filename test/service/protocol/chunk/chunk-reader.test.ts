import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ProtocolError } from '../../../../service/protocol/protocol-errors';
import { ChunkBuilder, control, MessageType, type OutgoingMessage } from '../../../support/rtmp/wire-builder';
import { inWords, readInPieces, readWhole } from './recording-receiver';

function video(timestamp: number, payload: Buffer | string = 'picture'): OutgoingMessage {
  return { type: MessageType.video, streamId: 1, timestamp, payload: Buffer.from(payload) };
}

function audio(timestamp: number, payload: Buffer | string = 'sound'): OutgoingMessage {
  return { type: MessageType.audio, streamId: 1, timestamp, payload: Buffer.from(payload) };
}

/** The timestamps that come out. */
const timesOf = (...wire: Buffer[]): number[] =>
  readWhole(Buffer.concat(wire)).messages.map(({ timestamp }) => timestamp);

describe('chunk headers', () => {
  test.each([2, 3, 63, 64, 319, 320, 65_599])('chunk stream %d', (csid) => {
    const wire = new ChunkBuilder().message(video(5, Buffer.alloc(300, 7)), { csid });
    expect(readWhole(wire).messages).toEqual([video(5, Buffer.alloc(300, 7))]);
  });

  test('chunk streams 64 to 319 may be written in three bytes, and mean the same streams', () => {
    const builder = new ChunkBuilder();
    const [first, second] = builder.chunks(video(5, Buffer.alloc(200)), { csid: 100 }) as [Buffer, Buffer];
    const other = new ChunkBuilder();
    const [, sameIn3Bytes] = other.chunks(video(5, Buffer.alloc(200)), { csid: 100, basicHeaderBytes: 3 }) as [
      Buffer,
      Buffer,
    ];
    expect(sameIn3Bytes).not.toEqual(second);
    expect(readWhole(Buffer.concat([first, sameIn3Bytes])).messages).toHaveLength(1);
  });

  test('the third byte counts 256 times as much as the second', () => {
    const builder = new ChunkBuilder();
    const one = builder.chunks(video(5, Buffer.alloc(200, 1)), { csid: 64 + 7 + 256 });
    const two = builder.chunks(video(9, Buffer.alloc(200, 2)), { csid: 64 + 7 + 1 });
    const wire = Buffer.concat([one[0]!, two[0]!, one[1]!, two[1]!]);
    expect(readWhole(wire).messages).toEqual([video(5, Buffer.alloc(200, 1)), video(9, Buffer.alloc(200, 2))]);
  });

  test('formats 1, 2 and 3 take from the message before what they leave out', () => {
    const builder = new ChunkBuilder();
    const wire = Buffer.concat([
      builder.message(video(1000, 'abc')),
      builder.message(video(1040, 'longer'), { fmt: 1 }),
      builder.message(video(1080, 'as-big'), { fmt: 2 }),
      builder.message(video(1120, 'asmuch'), { fmt: 3 }),
      builder.message(video(1160, 'asmuch'), { fmt: 3 }),
    ]);
    expect(readWhole(wire).messages).toEqual([
      video(1000, 'abc'),
      video(1040, 'longer'),
      video(1080, 'as-big'),
      video(1120, 'asmuch'),
      video(1160, 'asmuch'),
    ]);
  });

  test('format 3 after format 0 repeats its time as a step', () => {
    const builder = new ChunkBuilder();
    expect(timesOf(builder.message(video(30, 'abc')), builder.message(video(60, 'abc'), { fmt: 3 }))).toEqual([30, 60]);
  });

  test('each chunk stream has a clock of its own', () => {
    const builder = new ChunkBuilder();
    const [v1, v2] = builder.chunks(video(1000, Buffer.alloc(200, 1))) as [Buffer, Buffer];
    const wire = Buffer.concat([v1, builder.message(audio(1020)), builder.message(control(5, 2_500_000)), v2]);
    expect(readWhole(wire).messages).toMatchObject([{ timestamp: 1020 }, { type: 5 }, { timestamp: 1000 }]);
  });

  test('a chunk stream may begin with format 1, counting from 0', () => {
    expect(timesOf(new ChunkBuilder().message(control(4, 6), { fmt: 1, delta: 7 }))).toEqual([7]);
  });

  test.each([2, 3] as const)('one that begins with format %d is refused', (fmt) => {
    expect(() => readWhole(new ChunkBuilder().message(video(0), { fmt }))).toThrow(ProtocolError);
  });

  test('empty messages are whole as they are', () => {
    const builder = new ChunkBuilder();
    const wire = Buffer.concat([
      builder.message(audio(1, '')),
      builder.message(audio(2, ''), { fmt: 1 }),
      builder.message(audio(3)),
    ]);
    expect(readWhole(wire).messages).toEqual([audio(1, ''), audio(2, ''), audio(3)]);
  });

  test('a new header in the middle of a message abandons that message', () => {
    const builder = new ChunkBuilder();
    const [start] = builder.chunks(video(10, Buffer.alloc(300))) as [Buffer];
    const receiver = readWhole(Buffer.concat([start, builder.message(video(20, 'whole'))]));
    expect(receiver.messages).toEqual([video(20, 'whole')]);
    expect(receiver.aborted).toBe(1);
  });
});

test('small chunks of a message that come with one read are handed on in one piece', () => {
  const builder = new ChunkBuilder();
  const payload = Buffer.from(Uint8Array.from({ length: 5_000 }, (_, i) => i & 0xff));
  const wire = Buffer.concat([
    builder.message(video(0, payload)),
    builder.message(audio(0)),
    builder.message(video(33, payload)),
  ]);
  const whole = readWhole(wire);
  expect(whole.messages).toEqual([video(0, payload), audio(0), video(33, payload)]);
  expect(whole.pieces).toBe(3);
  const cut = readInPieces(wire, [2_000]);
  expect(cut.messages).toEqual(whole.messages);
  // The end of a chunk that the first read had begun counts as a piece.
  expect(cut.pieces).toBe(5);
});

describe('extended timestamps', () => {
  const edge = [0xfffffe, 0xffffff, 0x1000000, 0x7fffffff, 0x80000000, 0xffffffff];

  test.each(edge)('absolute %d, in several chunks', (time) => {
    const repeated = new ChunkBuilder().message(video(time, Buffer.alloc(400, 3)));
    const leftOut = new ChunkBuilder().message(video(time, Buffer.alloc(400, 3)), { extendedOnType3: false });
    expect(repeated.length).toBe(leftOut.length + (time >= 0xffffff ? 12 : 0));
    for (const wire of [repeated, leftOut])
      expect(readWhole(wire).messages).toEqual([video(time, Buffer.alloc(400, 3))]);
  });

  test('payload that begins like the timestamp left out, cut anywhere', () => {
    const payload = Buffer.alloc(131, 0x55);
    Buffer.of(1, 2, 3).copy(payload, 128);
    const builder = new ChunkBuilder();
    const wire = Buffer.concat([
      builder.message(video(0x01020355, payload), { extendedOnType3: false }),
      builder.message(audio(7)),
    ]);
    for (let cut = 0; cut <= wire.length; cut += 1) {
      expect(readInPieces(wire, [cut]).messages.map(inWords)).toEqual(
        [video(0x01020355, payload), audio(7)].map(inWords),
      );
    }
  });

  test('payload that equals the timestamp, of a sender that was seen to leave it out', () => {
    const payload = Buffer.alloc(600, 0x55);
    for (const at of [256, 512]) payload.writeUInt32BE(0x01020304, at);
    const builder = new ChunkBuilder();
    const first = builder.message(video(0x01020300, Buffer.alloc(200)), { extendedOnType3: false });
    const sent = [video(0x01020304, payload), audio(7), video(0x01020304, payload)];
    const wire = Buffer.concat([first, ...sent.map((message) => builder.message(message, { extendedOnType3: false }))]);
    for (let cut = first.length; cut <= wire.length; cut += 1) {
      expect(readInPieces(wire, [cut]).messages.slice(1).map(inWords)).toEqual(sent.map(inWords));
    }
  });

  test('payload that equals the timestamp, of a sender that repeats it', () => {
    const payload = Buffer.alloc(400);
    for (const at of [128, 256]) payload.writeUInt32BE(0x01020304, at);
    const builder = new ChunkBuilder();
    const sent = [video(0x01020304, payload), audio(7), video(0x01020304, payload)];
    const wire = Buffer.concat(sent.map((message) => builder.message(message)));
    expect(readWhole(wire).messages.map(inWords)).toEqual(sent.map(inWords));
  });

  test.each([1, 2] as const)('as a step in format %d, and again in a format 3 message', (fmt) => {
    const builder = new ChunkBuilder();
    const wire = [
      builder.message(video(500, 'abc')),
      builder.message(video(0x1000000 + 500, 'abc'), { fmt }),
      builder.message(video(0x2000000 + 500, 'abc'), { fmt: 3 }),
    ];
    expect(timesOf(...wire)).toEqual([500, 0x1000000 + 500, 0x2000000 + 500]);
  });

  test('steps go on past the end of the clock', () => {
    const builder = new ChunkBuilder();
    const wire = [builder.message(video(0xfffffff0)), builder.message(video(0x100000010), { fmt: 1 })];
    expect(timesOf(...wire)).toEqual([0xfffffff0, 0x10]);
  });

  test('an absolute time in the place of a step is taken as what it can only be', () => {
    const builder = new ChunkBuilder();
    const wire = [
      builder.message(video(0x90000000)),
      builder.message(video(0), { fmt: 1, delta: 0x90000028 }),
      builder.message(video(0), { fmt: 1, delta: 0x90000050 }),
    ];
    expect(timesOf(...wire)).toEqual([0x90000000, 0x90000028, 0x90000050]);
  });

  test('a step back, as librtmp writes it, goes back', () => {
    const back = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(fc.integer({ min: 20_000, max: 0x70000000 }), back, (time, step) => {
        const builder = new ChunkBuilder();
        const wire = [
          builder.message(video(time)),
          builder.message(video(time - step), { fmt: 1 }),
          builder.message(video(time + 40), { fmt: 1 }),
        ];
        expect(timesOf(...wire)).toEqual([time, time - step, time + 40]);
      }),
      { numRuns: 50 },
    );
  });
});
