/** Chunk encoding of the generator's messages (RTMP 1.0, 5.3.1). */

export const messageType = {
  setChunkSize: 1,
  acknowledgement: 3,
  userControl: 4,
  windowAckSize: 5,
  audio: 8,
  video: 9,
  data: 18,
  command: 20,
} as const;

/** Length of a type-0 header with a one-byte basic header. */
export const FULL_HEADER_BYTES = 12;
/** Length of a type-1 header (no message stream id) with a one-byte basic header. */
export const DELTA_HEADER_BYTES = 8;

const EXTENDED = 0xffffff;

export interface MessageHeader {
  /** 2..63. */
  readonly chunkStreamId: number;
  readonly type: number;
  readonly messageStreamId: number;
  /** Milliseconds, 32 bits. */
  readonly timestamp: number;
}

/** A message as type-0 chunk plus type-3 continuations, which repeat an extended timestamp. */
export function encodeMessage(header: MessageHeader, payload: Buffer, chunkSize: number): Buffer {
  const first = Buffer.alloc(FULL_HEADER_BYTES);
  const extension = extendedTimestamp(header.timestamp);
  first[0] = header.chunkStreamId;
  first.writeUIntBE(Math.min(header.timestamp, EXTENDED), 1, 3);
  first.writeUIntBE(payload.length, 4, 3);
  first[7] = header.type;
  first.writeUInt32LE(header.messageStreamId, 8);
  return Buffer.concat([first, extension, ...continuedPayload(header.chunkStreamId, payload, chunkSize, extension)]);
}

/**
 * A message as type-1 chunk (`timestamp` is the delta to the chunk stream's last one, less than 0xffffff) plus type-3
 * continuations.
 */
export function encodeDeltaMessage(header: MessageHeader, payload: Buffer, chunkSize: number): Buffer {
  const first = Buffer.alloc(DELTA_HEADER_BYTES);
  first[0] = 0x40 | header.chunkStreamId;
  first.writeUIntBE(header.timestamp, 1, 3);
  first.writeUIntBE(payload.length, 4, 3);
  first[7] = header.type;
  return Buffer.concat([first, ...continuedPayload(header.chunkStreamId, payload, chunkSize)]);
}

function extendedTimestamp(timestamp: number): Buffer {
  if (timestamp < EXTENDED) return Buffer.alloc(0);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(timestamp);
  return bytes;
}

function continuedPayload(
  chunkStreamId: number,
  payload: Buffer,
  chunkSize: number,
  extension: Buffer = Buffer.alloc(0),
): Buffer[] {
  const parts: Buffer[] = [];
  const continuation = Buffer.concat([Buffer.from([0xc0 | chunkStreamId]), extension]);
  for (let offset = 0; offset < payload.length; offset += chunkSize) {
    if (offset > 0) parts.push(continuation);
    parts.push(payload.subarray(offset, offset + chunkSize));
  }
  return parts;
}
