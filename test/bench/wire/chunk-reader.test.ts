import { describe, expect, test } from '@jest/globals';
import { encodeDeltaMessage, encodeMessage, messageType } from './chunk-encoding';
import { ChunkReader, type IncomingMessage } from './chunk-reader';

interface Received {
  readonly type: number;
  readonly timestamp: number;
  readonly payload: Buffer;
}

function readIn(pieces: readonly Buffer[], chunkSize: number): Received[] {
  const messages: Received[] = [];
  let parts: Buffer[] = [];
  const reader = new ChunkReader({
    onPayload(message: IncomingMessage, buffer: Buffer, start: number, end: number) {
      parts.push(Buffer.from(buffer.subarray(start, end)));
      if (message.received + end - start < message.length) return;
      messages.push({ type: message.type, timestamp: message.timestamp, payload: Buffer.concat(parts) });
      parts = [];
    },
  });
  reader.setChunkSize(chunkSize);
  for (const piece of pieces) reader.read(piece, 0, piece.length);
  return messages;
}

describe('ChunkReader', () => {
  const video = { chunkStreamId: 6, type: messageType.video, messageStreamId: 1, timestamp: 40 };
  const audio = { chunkStreamId: 4, type: messageType.audio, messageStreamId: 1, timestamp: 42 };
  const frame = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
  const wire = Buffer.concat([
    encodeMessage(video, frame, 128),
    encodeMessage(audio, frame.subarray(0, 100), 128),
    encodeMessage({ ...video, timestamp: 80 }, frame.subarray(0, 256), 128),
  ]);
  const expected = [
    { type: messageType.video, timestamp: 40, payload: frame },
    { type: messageType.audio, timestamp: 42, payload: frame.subarray(0, 100) },
    { type: messageType.video, timestamp: 80, payload: frame.subarray(0, 256) },
  ];

  test.each([1, 2, 7, 131, 4096])('finds the same messages in pieces of %i bytes', (size) => {
    const pieces: Buffer[] = [];
    for (let at = 0; at < wire.length; at += size) pieces.push(wire.subarray(at, at + size));
    expect(readIn(pieces, 128)).toEqual(expected);
  });

  test.each([0xfffffe, 0xffffff, 0x1000000, 0xffffffff])('reads timestamp %i as it was encoded', (timestamp) => {
    const bytes = encodeMessage({ ...video, timestamp }, frame, 128);
    expect(readIn([bytes], 128)).toEqual([{ type: messageType.video, timestamp, payload: frame }]);
  });

  test('the clock goes on past 2^32 by differences', () => {
    const bytes = Buffer.concat([
      encodeMessage({ ...video, timestamp: 2 ** 32 - 20 }, frame, 128),
      encodeDeltaMessage({ ...video, timestamp: 40 }, frame, 128),
    ]);
    expect(readIn([bytes], 128).map(({ timestamp }) => timestamp)).toEqual([2 ** 32 - 20, 20]);
  });

  test('takes extended timestamps, on continuations too, and long chunk stream ids', () => {
    const header = Buffer.from('0036ffffff000104080100000001000000', 'hex');
    const continuation = Buffer.from('c03601000000', 'hex');
    const payload = Buffer.alloc(0x104, 7);
    const bytes = Buffer.concat([
      header,
      payload.subarray(0, 128),
      continuation,
      payload.subarray(128, 256),
      continuation,
      payload.subarray(256),
    ]);
    expect(readIn([bytes], 128)).toEqual([{ type: messageType.audio, timestamp: 0x1000000, payload }]);
  });
});
