import { describe, expect, test } from '@jest/globals';
import { ChunkReader } from '../../../../service/protocol/chunk/chunk-reader';
import { ChunkBuilder, control, MessageType, type OutgoingMessage } from '../../../support/rtmp/wire-builder';
import { GENEROUS_LIMITS, inWords, readWhole, RecordingReceiver } from './recording-receiver';

function video(timestamp: number, payload = Buffer.from('picture')): OutgoingMessage {
  return { type: MessageType.video, streamId: 1, timestamp, payload };
}

function audio(timestamp: number, payload = Buffer.from('sound')): OutgoingMessage {
  return { type: MessageType.audio, streamId: 1, timestamp, payload };
}

const setChunkSize = (size: number): Buffer => new ChunkBuilder().message(control(MessageType.setChunkSize, size));

describe('control of the chunk stream', () => {
  test.each([1, 128, 4096, 65_536, 0xffffff])('Set Chunk Size %d', (chunkSize) => {
    const payload = Buffer.alloc(chunkSize === 1 ? 50 : 70_000, 9);
    const wire = Buffer.concat([setChunkSize(chunkSize), new ChunkBuilder().message(video(1, payload), { chunkSize })]);
    expect(readWhole(wire).messages).toEqual([video(1, payload)]);
  });

  test('Set Chunk Size: the top bit is not part of it, and 31 bits mean as much as a message can hold', () => {
    const payload = Buffer.alloc(5000, 9);
    for (const [field, chunkSize] of [
      [0x80001000, 4096],
      [0x7fffffff, 0xffffff],
    ] as const) {
      const wire = Buffer.concat([setChunkSize(field), new ChunkBuilder().message(video(1, payload), { chunkSize })]);
      expect(readWhole(wire).messages).toHaveLength(1);
    }
  });

  test.each([0, 0x80000000])('Set Chunk Size %d is refused', (field) => {
    expect(() => readWhole(setChunkSize(field))).toThrow(expect.objectContaining({ code: 'bad_chunk_size' }));
  });

  test('Set Chunk Size in the middle of a message holds from the next chunk on', () => {
    const builder = new ChunkBuilder();
    const payload = Buffer.from(Array.from({ length: 500 }, (_, i) => i & 0xff));
    const [first] = builder.chunks(video(1, payload)) as [Buffer];
    const rest = Buffer.concat([Buffer.of(0xc6), payload.subarray(128)]);
    expect(readWhole(Buffer.concat([first, setChunkSize(4096), rest])).messages).toEqual([video(1, payload)]);
  });

  test('Set Chunk Size and Abort that are too short do nothing', () => {
    const builder = new ChunkBuilder();
    const short = (type: number) => builder.message({ type, streamId: 0, timestamp: 0, payload: Buffer.from('ab') });
    const wire = Buffer.concat([short(MessageType.setChunkSize), short(MessageType.abort), builder.message(video(1))]);
    expect(readWhole(wire).messages).toEqual([video(1)]);
  });

  test('Abort drops the unfinished message of the chunk stream it names, and no other', () => {
    const builder = new ChunkBuilder();
    const [v1, v2] = builder.chunks(video(1, Buffer.alloc(200))) as [Buffer, Buffer];
    const [a1] = builder.chunks(audio(1, Buffer.alloc(200))) as [Buffer];
    const abort = (csid: number) => builder.message(control(MessageType.abort, csid));
    const wire = Buffer.concat([v1, a1, abort(4), abort(77), abort(2), v2, builder.message(audio(2))]);
    const receiver = readWhole(wire);
    expect(receiver.messages).toEqual([video(1, Buffer.alloc(200)), audio(2)]);
    expect(receiver.aborted).toBe(1);
  });
});

describe('limits', () => {
  test('a message may be as large as allowed and no larger', () => {
    const limits = { ...GENEROUS_LIMITS, maxMessageBytes: 1000 };
    expect(readWhole(new ChunkBuilder().message(video(1, Buffer.alloc(1000))), limits).messages).toHaveLength(1);
    const tooLarge = new ChunkBuilder().message(video(1, Buffer.alloc(1001))).subarray(0, 12);
    expect(() => readWhole(tooLarge, limits)).toThrow(expect.objectContaining({ code: 'message_too_large' }));
  });

  test('unfinished messages count together, and no more once they are finished or aborted', () => {
    const limits = { ...GENEROUS_LIMITS, maxPartialBytes: 1000 };
    const builder = new ChunkBuilder();
    const start = (csid: number): Buffer => builder.chunks(video(1, Buffer.alloc(400)), { csid })[0]!;
    const abort = builder.message(control(MessageType.abort, 10));
    const fine = Buffer.concat([start(10), start(11), abort, start(12), builder.message(audio(1))]);
    expect(readWhole(fine, limits).messages).toHaveLength(1);
    const tooMuch = Buffer.concat([fine, start(13)]);
    expect(() => readWhole(tooMuch, limits)).toThrow(expect.objectContaining({ code: 'too_much_unfinished' }));
  });

  test.each(['abort', 'header'] as const)('messages of 64 MB in all may be given up, with %s', (manner) => {
    const limits = { ...GENEROUS_LIMITS, maxMessageBytes: 0xffffff, maxPartialBytes: 2 * 0xffffff };
    const builder = new ChunkBuilder();
    /** The first chunk of a message of 16 MB. */
    const begun = builder.message(video(1, Buffer.alloc(128)), { csid: 10 });
    begun.writeUIntBE(0xffffff, 4, 3);
    const givenUp =
      manner === 'abort' ? Buffer.concat([begun, builder.message(control(MessageType.abort, 10))]) : begun;
    const four = [givenUp, givenUp, givenUp, givenUp];
    readWhole(Buffer.concat([...four, begun]), limits);
    const five = Buffer.concat([...four, givenUp, begun]);
    expect(() => readWhole(five, limits)).toThrow(expect.objectContaining({ code: 'too_much_unfinished' }));
    // A message that is completed makes up for one of its length.
    const whole = builder.message(video(2, Buffer.alloc(20_000)), { csid: 11 });
    readWhole(Buffer.concat([...four, whole, begun]), limits);
  });

  test('finished messages count no more', () => {
    const builder = new ChunkBuilder();
    const wire = Buffer.concat(Array.from({ length: 20 }, (_, i) => builder.message(video(i, Buffer.alloc(400)))));
    expect(readWhole(wire, { ...GENEROUS_LIMITS, maxPartialBytes: 500 }).messages).toHaveLength(20);
  });

  test('only so many chunk streams', () => {
    const limits = { ...GENEROUS_LIMITS, maxChunkStreams: 3 };
    const builder = new ChunkBuilder();
    const on = (csid: number) => builder.message(video(1), { csid });
    expect(readWhole(Buffer.concat([on(3), on(4), on(500), on(4)]), limits).messages).toHaveLength(4);
    expect(() => readWhole(Buffer.concat([on(3), on(4), on(500), on(5)]), limits)).toThrow(
      expect.objectContaining({ code: 'too_many_chunk_streams' }),
    );
  });

  test.each([
    ['chunks of one byte', 50, 50],
    ['chunks of 128 bytes, of which only the end of the message is small', 1000, 1],
    ['empty messages', 0, 1],
  ])('tiny chunks are counted: %s', (_, length, expected) => {
    const chunkSize = length === 50 ? 1 : 128;
    const reader = new ChunkReader(new RecordingReceiver(), GENEROUS_LIMITS);
    const size = setChunkSize(chunkSize);
    reader.read(size, 0, size.length);
    const before = reader.tinyChunks;
    const wire = new ChunkBuilder().message(video(1, Buffer.alloc(length)), { chunkSize });
    reader.read(wire, 0, wire.length);
    expect(reader.tinyChunks - before).toBe(expected);
  });
});

describe('stopping', () => {
  test('halt ends the reading after the message in hand; the rest is read later', () => {
    const receiver = new RecordingReceiver();
    const reader = new ChunkReader(receiver, GENEROUS_LIMITS);
    const builder = new ChunkBuilder();
    const first = builder.message({
      type: MessageType.command,
      streamId: 1,
      timestamp: 0,
      payload: Buffer.alloc(300, 2),
    });
    const wire = Buffer.concat([first, builder.message(video(5)), builder.message(audio(6))]);
    receiver.onMessage = ({ type }) => {
      if (type === MessageType.command) reader.halt();
    };
    expect(reader.read(wire, 0, wire.length)).toBe(first.length);
    expect(receiver.messages).toHaveLength(1);
    expect(reader.read(wire, first.length, wire.length)).toBe(wire.length);
    expect(receiver.messages.slice(1)).toEqual([video(5), audio(6)]);
  });

  test.each([
    ['payload', audio(3, Buffer.alloc(0))],
    // Chunk stream 2, whose header byte is followed by the bytes that a timestamp would have.
    ['payload and the next header', { ...control(5, 77), timestamp: 9 }],
  ])('halt after every message loses nothing, cut anywhere in %s that look like a timestamp', (_, next) => {
    const builder = new ChunkBuilder();
    const payload = Buffer.concat([Buffer.alloc(128, 0x55), Buffer.of(1)]);
    const sent = [video(0x01020304, payload), next, video(0x01020305, payload), audio(4)];
    const wire = Buffer.concat(sent.map((message) => builder.message(message, { extendedOnType3: false })));
    for (let cut = 0; cut <= wire.length; cut += 1) {
      const receiver = new RecordingReceiver();
      const reader = new ChunkReader(receiver, GENEROUS_LIMITS);
      receiver.onMessage = () => reader.halt();
      for (const [from, to] of [
        [0, cut],
        [cut, wire.length],
      ] as const) {
        for (let at = from; at < to;) at = reader.read(wire, at, to);
      }
      expect(receiver.messages.map(inWords)).toEqual(sent.map(inWords));
    }
  });

  test('a receiver that closes the reader hears nothing more', () => {
    const receiver = new RecordingReceiver();
    const reader = new ChunkReader(receiver, GENEROUS_LIMITS);
    const builder = new ChunkBuilder();
    const [unfinished] = builder.chunks(audio(1, Buffer.alloc(200))) as [Buffer];
    const wire = Buffer.concat([unfinished, builder.message(video(5)), builder.message(video(6), { fmt: 3 })]);
    receiver.onMessage = () => reader.close();
    reader.read(wire, 0, wire.length);
    expect(receiver.messages).toEqual([video(5)]);
    expect(receiver.aborted).toBe(1);
  });
});
