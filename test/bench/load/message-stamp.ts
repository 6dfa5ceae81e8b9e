/**
 * The stamp that the generator writes into every media message, so that a player knows which message it got and how
 * long it took: magic, stream number, sequence number and send time.
 */
export const STAMP_BYTES = 18;

const MAGIC = 0x424e;

/** Writes the stamp at `offset`. `sentAt` is of the monotonic clock, in milliseconds. */
export function writeStamp(bytes: Buffer, offset: number, stream: number, sequence: number, sentAt: number): void {
  bytes.writeUInt16BE(MAGIC, offset);
  bytes.writeUInt32BE(stream, offset + 2);
  bytes.writeUInt32BE(sequence, offset + 6);
  bytes.writeDoubleBE(sentAt, offset + 10);
}

export function isStampOf(bytes: Buffer, offset: number, stream: number): boolean {
  return bytes.readUInt16BE(offset) === MAGIC && bytes.readUInt32BE(offset + 2) === stream;
}

export function stampedSequence(bytes: Buffer, offset: number): number {
  return bytes.readUInt32BE(offset + 6);
}

export function stampedSendTime(bytes: Buffer, offset: number): number {
  return bytes.readDoubleBE(offset + 10);
}
