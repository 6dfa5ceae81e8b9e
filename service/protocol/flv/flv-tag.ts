/** FLV files and streams (Adobe FLV 10.1, annex E), made of messages that are encoded as RTMP chunks. */

/** Bytes that a tag has in addition to its message's payload: its header, and its size behind it. */
const TAG_OVERHEAD_BYTES = 15;
export const TAG_HEADER_BYTES = 11;
/** The timestamp field of a chunk whose timestamp follows the header. */
const EXTENDED = 0xffffff;

/** Which kinds of media an FLV stream is said to contain. */
export interface FlvKinds {
  readonly audio: boolean;
  readonly video: boolean;
}

/** The beginning of an FLV stream, before its first tag. */
export function flvHeader({ audio, video }: FlvKinds): Buffer {
  const flags = (audio ? 4 : 0) | (video ? 1 : 0);
  // Signature, version, flags, the header's length, and the size of the tag before the first, which is 0.
  return Buffer.of(0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0);
}

/** Bytes of the tag for the message whose first chunk starts at `at`. */
export function tagLength(encoded: Buffer, at: number): number {
  return payloadLength(encoded, at) + TAG_OVERHEAD_BYTES;
}

/**
 * Writes a message as a tag: its type, timestamp and payload stay as they are.
 *
 * @param encoded contains the message's chunks, of which the first starts at `start`
 * @param chunkSize of these chunks
 * @returns the offset in `target` after the tag
 */
export function writeTag(encoded: Buffer, start: number, chunkSize: number, target: Buffer, at: number): number {
  const length = payloadLength(encoded, start);
  const field = (encoded[start + 1]! << 16) | (encoded[start + 2]! << 8) | encoded[start + 3]!;
  const isExtended = field === EXTENDED;
  target[at] = encoded[start + 7]!;
  target[at + 1] = length >>> 16;
  target[at + 2] = length >>> 8;
  target[at + 3] = length;
  // The lower 24 bits of the timestamp, then the upper 8.
  target[at + 4] = isExtended ? encoded[start + 13]! : field >>> 16;
  target[at + 5] = isExtended ? encoded[start + 14]! : field >>> 8;
  target[at + 6] = isExtended ? encoded[start + 15]! : field;
  target[at + 7] = isExtended ? encoded[start + 12]! : 0;
  target[at + 8] = 0;
  target[at + 9] = 0;
  target[at + 10] = 0;
  const continuation = isExtended ? 5 : 1;
  let from = start + (isExtended ? 16 : 12);
  let to = at + TAG_HEADER_BYTES;
  for (let left = length; left > 0; left -= chunkSize) {
    const piece = Math.min(left, chunkSize);
    encoded.copy(target, to, from, from + piece);
    to += piece;
    from += piece + continuation;
  }
  return target.writeUInt32BE(TAG_HEADER_BYTES + length, to);
}

function payloadLength(encoded: Buffer, at: number): number {
  return (encoded[at + 4]! << 16) | (encoded[at + 5]! << 8) | encoded[at + 6]!;
}

/** Writes the 11 bytes before a tag's payload. Of the timestamp (ms), the lower 32 bits are kept. */
export function writeTagHeader(target: Buffer, typeId: number, payloadBytes: number, timestamp: number): void {
  target[0] = typeId;
  target.writeUIntBE(payloadBytes, 1, 3);
  const low = timestamp >>> 0;
  target.writeUIntBE(low & 0xffffff, 4, 3);
  target[7] = low >>> 24;
  target[8] = 0;
  target[9] = 0;
  target[10] = 0;
}
