import type { IncomingMessage, MessageSink } from './chunk-reader';

const FILE_HEADER_BYTES = 13;
const TAG_HEADER_BYTES = 11;
const TAG_SIZE_BYTES = 4;

/** Finds the tags in a byte stream of FLV and passes their payload in place, audio and video only. */
export class FlvReader {
  private readonly header = Buffer.alloc(FILE_HEADER_BYTES);
  private filled = 0;
  private isFileHeader = true;
  /** Payload bytes of the present tag that are still to come, then the bytes of its size. */
  private payloadLeft = 0;
  private sizeLeft = 0;
  private readonly tag: IncomingMessage = { type: 0, timestamp: 0, length: 0, received: 0 };

  constructor(private readonly sink: MessageSink) {}

  /** Reads `buffer[start, end)`. Throws when the bytes cannot be FLV. */
  read(buffer: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.payloadLeft > 0) at = this.readPayload(buffer, at, end);
      else if (this.sizeLeft > 0) {
        const taken = Math.min(this.sizeLeft, end - at);
        this.sizeLeft -= taken;
        at += taken;
      } else at = this.readHeader(buffer, at, end);
    }
  }

  private readPayload(buffer: Buffer, start: number, end: number): number {
    const { tag } = this;
    const stop = Math.min(end, start + this.payloadLeft);
    if (tag.type === 8 || tag.type === 9) this.sink.onPayload(tag, buffer, start, stop);
    tag.received += stop - start;
    this.payloadLeft -= stop - start;
    return stop;
  }

  private readHeader(buffer: Buffer, start: number, end: number): number {
    const { header, tag } = this;
    const length = this.isFileHeader ? FILE_HEADER_BYTES : TAG_HEADER_BYTES;
    const taken = buffer.copy(header, this.filled, start, Math.min(end, start + length - this.filled));
    this.filled += taken;
    if (this.filled < length) return start + taken;
    this.filled = 0;
    if (this.isFileHeader) {
      if (header.toString('latin1', 0, 3) !== 'FLV') throw new Error('no FLV header');
      this.isFileHeader = false;
      return start + taken;
    }
    tag.type = header[0]!;
    if (tag.type !== 8 && tag.type !== 9 && tag.type !== 18) throw new Error(`a tag of type ${tag.type}`);
    tag.length = header.readUIntBE(1, 3);
    tag.timestamp = header.readUIntBE(4, 3) + header[7]! * 0x1000000;
    tag.received = 0;
    this.payloadLeft = tag.length;
    this.sizeLeft = TAG_SIZE_BYTES;
    return start + taken;
  }
}
