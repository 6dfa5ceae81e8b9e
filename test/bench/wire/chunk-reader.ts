import { messageType } from './chunk-encoding';

/** One chunk stream of a connection: the last header and the progress of the present message. */
export interface IncomingMessage {
  type: number;
  /** Milliseconds, absolute. */
  timestamp: number;
  length: number;
  /** Payload bytes seen so far. */
  received: number;
}

/** Gets payload piece by piece, in place in the read buffer, without a copy. */
export interface MessageSink {
  /**
   * `buffer[start, end)` is payload of `message` from offset `message.received` on. The message is complete when
   * `message.received + end - start` equals `message.length`.
   */
  onPayload(message: IncomingMessage, buffer: Buffer, start: number, end: number): void;
}

interface ChunkStream extends IncomingMessage {
  delta: number;
  extended: boolean;
}

const MAX_HEADER_BYTES = 18;
const MESSAGE_HEADER_BYTES = [11, 7, 3, 0] as const;
const EXTENDED = 0xffffff;

/**
 * Finds message boundaries in a byte stream of chunks (RTMP 1.0, 5.3) and passes payload in place. It reads headers
 * only, so that a player costs a fraction of the server's work for it.
 */
export class ChunkReader {
  private chunkSize = 128;
  private chunkLeft = 0;
  private current: ChunkStream | undefined;
  private readonly chunkStreams = new Map<number, ChunkStream>();
  /** A header that a read boundary cut in two. */
  private readonly carry = Buffer.alloc(MAX_HEADER_BYTES);
  private carried = 0;

  constructor(private readonly sink: MessageSink) {}

  setChunkSize(bytes: number): void {
    this.chunkSize = bytes;
  }

  /** Reads `buffer[start, end)`. Throws when the bytes cannot be a chunk stream. */
  read(buffer: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.current === undefined) {
        at = this.readHeader(buffer, at, end);
        continue;
      }
      const message = this.current;
      const stop = Math.min(end, at + this.chunkLeft);
      this.sink.onPayload(message, buffer, at, stop);
      message.received += stop - at;
      this.chunkLeft -= stop - at;
      at = stop;
      if (this.chunkLeft === 0) this.current = undefined;
      if (message.received === message.length) message.received = 0;
    }
  }

  private readHeader(buffer: Buffer, start: number, end: number): number {
    if (this.carried === 0) {
      const length = this.parseHeader(buffer, start, end);
      if (length > 0) return start + length;
    }
    let at = start;
    while (at < end) {
      if (this.carried === MAX_HEADER_BYTES) throw new Error('chunk header of more than 18 bytes');
      this.carry[this.carried++] = buffer[at++]!;
      if (this.parseHeader(this.carry, 0, this.carried) > 0) {
        this.carried = 0;
        return at;
      }
    }
    return at;
  }

  /** Returns the header's length, or 0 when `bytes[start, end)` does not hold all of it; then nothing has changed. */
  private parseHeader(bytes: Buffer, start: number, end: number): number {
    const first = bytes[start]!;
    const format = first >> 6;
    let chunkStreamId = first & 0x3f;
    let at = start + 1;
    if (chunkStreamId < 2) {
      const extra = chunkStreamId + 1;
      if (at + extra > end) return 0;
      chunkStreamId = 64 + bytes[at]! + (extra === 2 ? bytes[at + 1]! << 8 : 0);
      at += extra;
    }
    const messageHeaderBytes = MESSAGE_HEADER_BYTES[format]!;
    if (at + messageHeaderBytes > end) return 0;
    const known = this.chunkStreams.get(chunkStreamId);
    if (known === undefined && format > 1)
      throw new Error(`chunk stream ${chunkStreamId} starts with format ${format}`);
    const timeField = format < 3 ? bytes.readUIntBE(at, 3) : 0;
    const extended = format < 3 ? timeField === EXTENDED : known!.extended;
    const extendedAt = at + messageHeaderBytes;
    if (extended && extendedAt + 4 > end) return 0;

    const stream = known ?? this.openChunkStream(chunkStreamId);
    stream.extended = extended;
    if (format < 3) stream.delta = extended ? bytes.readUInt32BE(extendedAt) : timeField;
    if (format < 2) {
      stream.length = bytes.readUIntBE(at + 3, 3);
      stream.type = bytes[at + 6]!;
    }
    if (stream.received === 0) {
      // A type-3 header that starts a message after a type 0 uses the latter's timestamp as delta; no server here sends
      // that.
      stream.timestamp = format === 0 ? stream.delta : (stream.timestamp + stream.delta) >>> 0;
    }
    this.chunkLeft = Math.min(this.chunkSize, stream.length - stream.received);
    this.current = this.chunkLeft > 0 ? stream : undefined;
    return extendedAt + (extended ? 4 : 0) - start;
  }

  private openChunkStream(id: number): ChunkStream {
    const stream: ChunkStream = {
      type: messageType.command,
      timestamp: 0,
      length: 0,
      received: 0,
      delta: 0,
      extended: false,
    };
    this.chunkStreams.set(id, stream);
    return stream;
  }
}
