/**
 * Writing messages in chunk-encoded form. Each message starts with a type 0 header and so depends on no earlier
 * message: any selection of encoded messages is a valid stream.
 */

/** Chunk streams that outgoing messages use (all one-byte basic headers). */
export const ChunkStreamId = { Control: 2, Command: 3, Audio: 4, Video: 5, Data: 6 } as const;

/** The chunk size in each direction until Set Chunk Size changes it (RTMP 1.0 section 5.4.1). */
export const DEFAULT_CHUNK_SIZE = 128;

const EXTENDED = 0xffffff;

/** Bytes of the first chunk's header: basic header, message header and, from 0xFFFFFF on, the extended timestamp. */
export function headerLength(timestamp: number): number {
  return timestamp >= EXTENDED ? 16 : 12;
}

/** Bytes that the message takes on the wire. */
export function encodedLength(timestamp: number, payloadLength: number, chunkSize: number): number {
  const continuations = payloadLength === 0 ? 0 : Math.ceil(payloadLength / chunkSize) - 1;
  return headerLength(timestamp) + payloadLength + continuations * (timestamp >= EXTENDED ? 5 : 1);
}

/** Writes the header of a message's first chunk at `at`; returns the offset after it. */
export function writeHeader(
  target: Buffer,
  at: number,
  chunkStreamId: number,
  timestamp: number,
  payloadLength: number,
  typeId: number,
  streamId: number,
): number {
  const extended = timestamp >= EXTENDED;
  target[at] = chunkStreamId;
  target.writeUIntBE(extended ? EXTENDED : timestamp, at + 1, 3);
  target.writeUIntBE(payloadLength, at + 4, 3);
  target[at + 7] = typeId;
  target.writeUInt32LE(streamId, at + 8);
  if (!extended) return at + 12;
  target.writeUInt32BE(timestamp, at + 12);
  return at + 16;
}

/** Writes the header of a following chunk (type 3, repeating an extended timestamp); returns the offset after it. */
export function writeContinuation(target: Buffer, at: number, chunkStreamId: number, timestamp: number): number {
  target[at] = 0xc0 | chunkStreamId;
  if (timestamp < EXTENDED) return at + 1;
  target.writeUInt32BE(timestamp, at + 1);
  return at + 5;
}

/** Puts another message stream id into an encoded message whose first chunk starts at `at`. */
export function restamp(encoded: Buffer, at: number, streamId: number): void {
  encoded.writeUInt32LE(streamId, at + 8);
}

/** Reads the arguments of `encodeMessage` back from its result, which was made with this chunk size. */
export function decodeMessage(
  encoded: Buffer,
  chunkSize: number,
): { timestamp: number; typeId: number; payload: Buffer } {
  const field = encoded.readUIntBE(1, 3);
  const extended = field === EXTENDED;
  const payload = Buffer.allocUnsafe(encoded.readUIntBE(4, 3));
  let at = extended ? 16 : 12;
  for (let filled = 0; filled < payload.length;) {
    const copied = encoded.copy(payload, filled, at, at + chunkSize);
    filled += copied;
    at += copied + (extended ? 5 : 1);
  }
  return { timestamp: extended ? encoded.readUInt32BE(12) : field, typeId: encoded[7]!, payload };
}

/** The first bytes, at most `maxBytes`, of the payload of an encoded message, of which the end may be missing. */
export function decodeStart(encoded: Buffer, chunkSize: number, maxBytes: number): Buffer {
  const extended = encoded.readUIntBE(1, 3) === EXTENDED;
  const payload = Buffer.allocUnsafe(Math.min(encoded.readUIntBE(4, 3), maxBytes));
  let at = extended ? 16 : 12;
  let filled = 0;
  while (filled < payload.length && at < encoded.length) {
    const copied = encoded.copy(payload, filled, at, at + chunkSize);
    filled += copied;
    at += copied + (extended ? 5 : 1);
  }
  return payload.subarray(0, filled);
}

/** A complete message in chunk-encoded form, for messages that are not shared between players. */
export function encodeMessage(
  chunkStreamId: number,
  timestamp: number,
  typeId: number,
  streamId: number,
  payload: Buffer,
  chunkSize: number,
): Buffer {
  const encoded = Buffer.allocUnsafe(encodedLength(timestamp, payload.length, chunkSize));
  let at = writeHeader(encoded, 0, chunkStreamId, timestamp, payload.length, typeId, streamId);
  for (let from = 0; from < payload.length; from += chunkSize) {
    if (from > 0) at = writeContinuation(encoded, at, chunkStreamId, timestamp);
    at += payload.copy(encoded, at, from, Math.min(from + chunkSize, payload.length));
  }
  return encoded;
}
