import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ProtocolError } from '../../../../service/protocol/protocol-errors';
import { ChunkBuilder, MessageType, type ChunkForm, type OutgoingMessage } from '../../../support/rtmp/wire-builder';
import { inWords, readInPieces } from './recording-receiver';

/** Timestamps around the edge of the 24-bit field and the wrap of the clock, and any other. */
const timestamps = fc.oneof(
  fc.constantFrom(0, 1, 0xfffffe, 0xffffff, 0x1000000, 0x1000001, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff),
  fc.nat({ max: 0xffffffff }),
);

const payloads = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 100, maxLength: 700 }));

interface Step {
  readonly message: OutgoingMessage;
  readonly form: ChunkForm;
  /** How many bytes of the timestamp the payload begins with, where the sender omits that in type 3 chunks. */
  readonly resemblance: number;
}

interface Connection {
  readonly chunkSize: number;
  /** The sender repeats extended timestamps in type 3 chunks. */
  readonly repeats: boolean;
  readonly steps: readonly Step[];
}

/** A step of a connection: a message on one of a few chunk streams, of any header form that means the same. */
const steps = fc
  .record({
    type: fc.constantFrom(MessageType.audio, MessageType.video, MessageType.data),
    csid: fc.constantFrom(4, 6, 63, 64, 319, 320, 65_599),
    threeByteHeader: fc.boolean(),
    fmt: fc.constantFrom(0 as const, 1 as const),
    resemblance: fc.nat({ max: 3 }),
    timestamp: timestamps,
    streamId: fc.constantFrom(1, 0x01020304),
    payload: payloads,
  })
  .map(({ type, csid, threeByteHeader, fmt, resemblance, timestamp, streamId, payload }): Step => ({
    message: { type, streamId, timestamp, payload: Buffer.from(payload) },
    form: { csid, fmt, ...(threeByteHeader && csid >= 64 ? { basicHeaderBytes: 3 } : {}) },
    resemblance,
  }));

const connections = fc.record({
  repeats: fc.boolean(),
  chunkSize: fc.constantFrom(1, 2, 5, 127, 128, 129, 4096),
  steps: fc.array(steps, { minLength: 1, maxLength: 8 }),
});

/**
 * The bytes of a connection and the expected messages. Format 1 is used only where its fields are as its chunk stream
 * had them before and the time increases by less than half the clock: larger steps have a separate test.
 */
function build({ chunkSize, repeats: mayRepeat, steps }: Connection) {
  const builder = new ChunkBuilder();
  const wire = [
    builder.message({ type: 1, streamId: 0, timestamp: 0, payload: Buffer.of(0, 0, chunkSize >> 8, chunkSize & 0xff) }),
  ];
  builder.chunkSize = chunkSize;
  const last = new Map<number, OutgoingMessage>();
  for (const { message, form, resemblance } of steps) {
    const before = last.get(form.csid!);
    const relative =
      form.fmt === 1 &&
      before?.streamId === message.streamId &&
      (message.timestamp - before.timestamp) >>> 0 < 0x80000000;
    last.set(form.csid!, message);
    const field = relative ? message.timestamp - before.timestamp : message.timestamp;
    const repeats = mayRepeat || chunkSize < 5;
    if (!repeats) resembleTimestamp(message.payload, field >>> 0, chunkSize, resemblance);
    wire.push(builder.message(message, { ...form, fmt: relative ? 1 : 0, extendedOnType3: repeats }));
  }
  return { wire: Buffer.concat(wire), messages: steps.map(({ message }) => message) };
}

/**
 * Makes continuation chunks of a sender that leaves the extended timestamp out begin with its first `count` bytes, but
 * not with all four: that could not be told apart.
 */
function resembleTimestamp(payload: Buffer, timestamp: number, chunkSize: number, count: number): Buffer {
  const field = Buffer.alloc(4);
  field.writeUInt32BE(timestamp);
  for (let at = chunkSize; at < payload.length; at += chunkSize) {
    const same = at + 4 <= payload.length ? count : 0;
    field.copy(payload, at, 0, same);
    payload[at + same] = field[same]! ^ 0x55;
  }
  return payload;
}

describe('the chunk reader', () => {
  test('gives the same messages and timestamps wherever the input is cut', () => {
    fc.assert(
      fc.property(connections, fc.array(fc.nat({ max: 8000 }), { maxLength: 12 }), (connection, cuts) => {
        const { wire, messages } = build(connection);
        expect(readInPieces(wire, cuts).messages.map(inWords)).toEqual(messages.map(inWords));
      }),
      { numRuns: 400 },
    );
  });

  test('gives the same byte by byte', () => {
    fc.assert(
      fc.property(connections, (connection) => {
        const { wire, messages } = build(connection);
        expect(readInPieces(wire, [...wire.keys()]).messages.map(inWords)).toEqual(messages.map(inWords));
      }),
      { numRuns: 100 },
    );
  });

  test('raises nothing but a protocol error, whatever comes', () => {
    const flips = fc.array(fc.tuple(fc.nat({ max: 4000 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(connections, flips, fc.nat({ max: 4000 }), (connection, changes, cut) => {
        const { wire } = build(connection);
        for (const [at, value] of changes) if (at < wire.length) wire[at] = value;
        try {
          readInPieces(wire, [cut], { maxMessageBytes: 2000, maxPartialBytes: 4000, maxChunkStreams: 4 });
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
