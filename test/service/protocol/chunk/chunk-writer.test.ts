import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodedLength, encodeMessage, restamp } from '../../../../service/protocol/chunk/chunk-writer';
import { ChunkDecoder } from '../../../support/rtmp/wire-reader';
import { ChunkBuilder, control, MessageType } from '../../../support/rtmp/wire-builder';
import { inWords, readInPieces } from './recording-receiver';

/** A collected message whose payload the readers do not parse. */
const SHARED_OBJECT = 19;

const timestamps = fc.oneof(
  fc.constantFrom(0, 0xfffffe, 0xffffff, 0x1000000, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.nat({ max: 0xffffffff }),
);
const lengths = fc.oneof(
  fc.constantFrom(0, 1, 127, 128, 129, 65_536, 65_537),
  fc.nat({ max: 2000 }),
  fc.nat({ max: 300_000 }),
);
const messages = fc.record({
  csid: fc.integer({ min: 2, max: 63 }),
  type: fc.constantFrom(MessageType.audio, MessageType.video, SHARED_OBJECT),
  streamId: fc.oneof(fc.constant(1), fc.nat({ max: 0xffffffff })),
  timestamp: timestamps,
  length: lengths,
});
const chunkSizes = fc.oneof(fc.constantFrom(128, 4096, 60_000, 65_536), fc.integer({ min: 128, max: 65_536 }));

const payloadOf = (length: number): Buffer => Buffer.alloc(length, 'any content that is not the same everywhere');

describe('the chunk writer', () => {
  test('what it writes is read back, at every chunk size, by the reader and by a strict one', () => {
    fc.assert(
      fc.property(chunkSizes, fc.array(messages, { minLength: 1, maxLength: 4 }), (chunkSize, parts) => {
        const sent = parts.map(({ csid, length, ...message }) => ({ csid, ...message, payload: payloadOf(length) }));
        const wire = Buffer.concat(
          sent.map(({ csid, timestamp, type, streamId, payload }) =>
            encodeMessage(csid, timestamp, type, streamId, payload, chunkSize),
          ),
        );
        const first = new ChunkBuilder().message(control(MessageType.setChunkSize, chunkSize));
        expect(readInPieces(Buffer.concat([first, wire]), [first.length + 7]).messages.map(inWords)).toEqual(
          sent.map(inWords),
        );
        const strict = new ChunkDecoder();
        strict.chunkSize = chunkSize;
        expect(strict.push(wire).map(inWords)).toEqual(sent.map(inWords));
      }),
      { numRuns: 150 },
    );
  });

  test('encodedLength is the length that comes out', () => {
    fc.assert(
      fc.property(chunkSizes, timestamps, lengths, (chunkSize, timestamp, length) => {
        const encoded = encodeMessage(5, timestamp, MessageType.video, 1, payloadOf(length), chunkSize);
        expect(encoded.length).toBe(encodedLength(timestamp, length, chunkSize));
      }),
    );
  });

  test('it writes byte for byte what the specification says, as the builder of the tests does', () => {
    const payload = payloadOf(300);
    for (const timestamp of [0, 0xfffffe, 0xffffff, 0xffffffff]) {
      const written = encodeMessage(6, timestamp, MessageType.video, 0x01020304, payload, 128);
      const message = { type: MessageType.video, streamId: 0x01020304, timestamp, payload };
      expect(written).toEqual(new ChunkBuilder().message(message, { csid: 6 }));
    }
  });

  test('restamp changes the message stream id and nothing else', () => {
    for (const timestamp of [5, 0x1000000]) {
      const encoded = Buffer.concat([Buffer.from('before'), encodeMessage(5, timestamp, 9, 1, payloadOf(200), 128)]);
      restamp(encoded, 6, 0xfedcba98);
      expect(encoded.subarray(6)).toEqual(encodeMessage(5, timestamp, 9, 0xfedcba98, payloadOf(200), 128));
    }
  });
});
