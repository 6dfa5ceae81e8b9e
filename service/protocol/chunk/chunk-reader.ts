import { ProtocolError } from '../protocol-errors';
import { MessageType, type MessageHeader } from '../message-types';
import { ChunkStream } from './chunk-stream';
import { DEFAULT_CHUNK_SIZE } from './chunk-writer';
import { CollectingSink } from './collecting-sink';
import { discardingSink, type PayloadSink } from './payload-sink';

/**
 * Limits of the memory that a connection may make the reader use. Raised once the peer has been accepted to publish.
 */
export interface ReaderLimits {
  readonly maxMessageBytes: number;
  /** Sum over all messages in progress on the connection. */
  readonly maxPartialBytes: number;
  readonly maxChunkStreams: number;
}

/** For a client that was accepted to publish, and for another node whose stream is relayed. */
export const PUBLISHER_LIMITS: ReaderLimits = {
  maxMessageBytes: 0xffffff,
  maxPartialBytes: 32 * 1024 * 1024,
  maxChunkStreams: 64,
};

/** Receives the messages of the chunk stream. */
export interface MessageReceiver {
  /** A message begins. Returns a sink for its payload, or null: the payload is collected and passed to `message`. */
  openMessage(header: MessageHeader): PayloadSink | null;
  /** A collected message; the receiver may keep the payload. */
  message(header: MessageHeader, payload: Buffer): void;
}

/**
 * Length of messages that a peer may begin and give up, less that of messages which it completes. The place of a whole
 * message is reserved with its first byte, so that somebody who sends 4 KB of a message of 16 MB, again and again, would
 * keep the garbage collector busy. Encoders give up hardly any message.
 */
const MAX_ABANDONED_BYTES = 64 * 1024 * 1024;
const MAX_CHUNK_SIZE = 0xffffff;
/**
 * Up to this size, chunks of a message are gathered first: moving so few bytes costs less than calling a sink for each.
 */
const GATHERED_CHUNK_SIZE = 1024;
/** Three bytes of basic header, eleven of message header, four of extended timestamp. */
const MAX_HEADER_BYTES = 18;
const EXTENDED = 0xffffff;
const HEADER_BYTES = [11, 7, 3, 0] as const;

/**
 * Reads the RTMP chunk stream (RTMP 1.0 section 5.3) from buffers cut anywhere. Payload bytes are copied once, from the
 * given buffer into the sink of their message; those of small chunks are first moved together in that buffer. The
 * reader itself handles Set Chunk Size and Abort.
 */
export class ChunkReader {
  /**
   * Chunks with a payload below 128 bytes read so far, empty ones too. The caller limits their rate, since each costs
   * as much as a large chunk. Audio frames and the ends of messages are among them, but are few.
   */
  tinyChunks = 0;
  limits: ReaderLimits;

  readonly #receiver: MessageReceiver;
  readonly #streams = new Map<number, ChunkStream>();
  #chunkSize = DEFAULT_CHUNK_SIZE;
  #partialBytes = 0;
  #abandonedBytes = 0;
  #halted = false;
  /** The chunk stream whose chunk payload is being read, null while a header is expected. */
  #current: ChunkStream | null = null;
  #chunkRemaining = 0;
  /** The first bytes of a header that the end of the last buffer cut. */
  #stash: Buffer | null = null;
  #stashed = 0;
  /** The chunk stream of the header parsed last. */
  #parsed: ChunkStream | null = null;

  constructor(receiver: MessageReceiver, limits: ReaderLimits) {
    this.#receiver = receiver;
    this.limits = limits;
  }

  /** Makes `read` return after the present message; called by a receiver that has to wait for a decision. */
  halt(): void {
    this.#halted = true;
  }

  /**
   * Reads `source[start, end)` and returns the offset up to which it was consumed: `end`, unless `halt` was called. The
   * consumed bytes may have been overwritten.
   *
   * @throws ProtocolError when the input violates the protocol or a limit; the connection cannot be used any further.
   */
  read(source: Buffer, start: number, end: number): number {
    this.#halted = false;
    return this.#consume(source, start, end);
  }

  /** Discards unfinished audio and video messages, and the rest of their payload when it comes. */
  discardMedia(): void {
    for (const stream of this.#streams.values()) {
      if (stream.sink === null || (stream.typeId !== MessageType.Audio && stream.typeId !== MessageType.Video))
        continue;
      stream.sink.abort();
      stream.sink = discardingSink;
    }
  }

  /** Ends the messages in progress; nothing may be read afterwards. */
  close(): void {
    // A receiver may close from within `read`: the rest of that buffer is ignored.
    this.#halted = true;
    for (const stream of this.#streams.values()) this.#abort(stream);
    this.#streams.clear();
    this.#current = null;
  }

  #consume(source: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && !this.#halted) {
      const stream = this.#current;
      if (stream === null) {
        at = this.#readHeader(source, at, end);
      } else {
        at = this.#readPayload(stream, source, at, end);
        if (this.#chunkRemaining > 0) break;
        if (stream.remaining === 0) {
          this.#current = null;
          this.#complete(stream);
        } else if (at < end && stream.extended < 0 && source[at] === stream.continuation) {
          // A shortcut for by far the most frequent header: with small chunks there are thousands a second.
          at += 1;
          this.#startChunk(stream);
        } else {
          this.#current = null;
        }
      }
    }
    return at;
  }

  /** Reads the present bytes of a chunk's payload and, if chunks are small, further complete chunks of the message. */
  #readPayload(stream: ChunkStream, source: Buffer, start: number, end: number): number {
    let at = Math.min(end, start + this.#chunkRemaining);
    let gathered = at;
    let remaining = stream.remaining - (at - start);
    this.#chunkRemaining -= at - start;
    const size = this.#chunkSize;
    if (size <= GATHERED_CHUNK_SIZE && this.#chunkRemaining === 0 && stream.extended < 0) {
      while (remaining > 0) {
        const to = at + 1 + Math.min(size, remaining);
        if (to > end || source[at] !== stream.continuation) break;
        source.copyWithin(gathered, at + 1, to);
        const read = to - at - 1;
        if (read < DEFAULT_CHUNK_SIZE) this.tinyChunks += 1;
        gathered += read;
        remaining -= read;
        at = to;
      }
    }
    stream.remaining = remaining;
    stream.sink!.append(source, start, gathered);
    return at;
  }

  #readHeader(source: Buffer, start: number, end: number): number {
    if (this.#stashed === 0) {
      const length = this.#parseHeader(source, start, end);
      if (length > 0) {
        this.#beginChunk(this.#parsed!);
        return start + length;
      }
      this.#stash ??= Buffer.allocUnsafeSlow(MAX_HEADER_BYTES);
      this.#stashed = source.copy(this.#stash, 0, start, end);
      return end;
    }
    const stash = this.#stash!;
    const before = this.#stashed;
    const filled = before + source.copy(stash, before, start, end);
    const length = this.#parseHeader(stash, 0, filled);
    if (length === 0) {
      this.#stashed = filled;
      return end;
    }
    this.#stashed = 0;
    this.#beginChunk(this.#parsed!);
    if (length >= before) return start + length - before;
    this.#rereadStash(length, before);
    return start;
  }

  /**
   * Reads stashed bytes that looked like the beginning of a repeated extended timestamp but are payload: at most three
   * bytes, in which the chunk may even end.
   */
  #rereadStash(from: number, to: number): void {
    const rest = Buffer.from(this.#stash!.subarray(from, to));
    const read = this.#consume(rest, 0, rest.length);
    if (read < rest.length) this.#stashed = rest.copy(this.#stash!, 0, read);
  }

  /** Parses one chunk header; returns its length, or 0 when `end` comes too early. Changes state only when complete. */
  #parseHeader(bytes: Buffer, start: number, end: number): number {
    const first = bytes[start]!;
    let at = start + 1;
    let id = first & 0x3f;
    if (id === 0) {
      if (at + 1 > end) return 0;
      id = 64 + bytes[at]!;
      at += 1;
    } else if (id === 1) {
      if (at + 2 > end) return 0;
      id = 64 + bytes[at]! + bytes[at + 1]! * 256;
      at += 2;
    }
    const format = (first >> 6) as 0 | 1 | 2 | 3;
    const fields = at;
    at += HEADER_BYTES[format];
    if (at > end) return 0;
    const stream = this.#stream(id);
    if (format === 3) return this.#parseContinuation(stream, bytes, at, start, end);

    let time = bytes.readUIntBE(fields, 3);
    const extended = time === EXTENDED;
    if (extended) {
      if (at + 4 > end) return 0;
      time = bytes.readUInt32BE(at);
      at += 4;
    }
    if (format === 2 && !stream.known)
      throw new ProtocolError('bad_chunk_header', `type 2 chunk on unused chunk stream ${id}`);
    // A new header in the middle of a message: the sender has given up the unfinished message.
    this.#abandon(stream);
    stream.extended = extended ? time : -1;
    if (format <= 1) {
      stream.length = bytes.readUIntBE(fields + 3, 3);
      stream.typeId = bytes[fields + 6]!;
      stream.known = true;
    }
    if (format === 0) {
      stream.streamId = bytes.readUInt32LE(fields + 7);
      stream.timestamp = time;
      stream.delta = time;
    } else if (time >= 0x80000000 && isNearer(time, stream.timestamp)) {
      // Some encoders put the absolute time into the extended delta.
      stream.delta = (time - stream.timestamp) >>> 0;
      stream.timestamp = time;
    } else {
      stream.delta = time;
      stream.timestamp = (stream.timestamp + time) >>> 0;
    }
    this.#parsed = stream;
    return at - start;
  }

  /** A type 3 chunk: continues the message in progress or, between messages, starts another with the same header. */
  #parseContinuation(stream: ChunkStream, bytes: Buffer, at: number, start: number, end: number): number {
    if (!stream.known) throw new ProtocolError('bad_chunk_header', `type 3 chunk on unused chunk stream ${stream.id}`);
    const goesOn = stream.sink !== null;
    if (stream.extended >= 0 && !(goesOn && stream.omitsExtended)) {
      // Most senders repeat the extended timestamp here, OBS up to 30.0 and old librtmp do not: equal bytes are the
      // timestamp. A sender that has omitted it once inside a message always does: equal bytes are payload then.
      const repeated = compareUInt32(bytes, at, end, stream.extended);
      if (repeated === undefined) return 0;
      if (repeated) at += 4;
      else if (goesOn) stream.omitsExtended = true;
    }
    if (stream.sink === null) stream.timestamp = (stream.timestamp + stream.delta) >>> 0;
    this.#parsed = stream;
    return at - start;
  }

  #stream(id: number): ChunkStream {
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      if (this.#streams.size >= this.limits.maxChunkStreams) {
        throw new ProtocolError('too_many_chunk_streams', `more than ${this.limits.maxChunkStreams} chunk streams`);
      }
      stream = new ChunkStream(id);
      this.#streams.set(id, stream);
    }
    return stream;
  }

  #beginChunk(stream: ChunkStream): void {
    if (stream.sink === null) this.#beginMessage(stream);
    if (stream.remaining === 0) {
      this.tinyChunks += 1;
      this.#complete(stream);
      return;
    }
    this.#current = stream;
    this.#startChunk(stream);
  }

  #startChunk(stream: ChunkStream): void {
    this.#chunkRemaining = Math.min(this.#chunkSize, stream.remaining);
    if (this.#chunkRemaining < DEFAULT_CHUNK_SIZE) this.tinyChunks += 1;
  }

  #beginMessage(stream: ChunkStream): void {
    const { length } = stream;
    if (length > this.limits.maxMessageBytes) {
      throw new ProtocolError(
        'message_too_large',
        `message of ${length} bytes, allowed ${this.limits.maxMessageBytes}`,
      );
    }
    if (this.#partialBytes + length > this.limits.maxPartialBytes) {
      throw new ProtocolError('too_much_unfinished', `unfinished messages exceed ${this.limits.maxPartialBytes} bytes`);
    }
    this.#partialBytes += length;
    stream.remaining = length;
    stream.sink = this.#receiver.openMessage(stream) ?? new WholeMessageSink(this, stream);
  }

  #complete(stream: ChunkStream): void {
    const sink = stream.sink!;
    stream.sink = null;
    this.#partialBytes -= stream.length;
    if (this.#abandonedBytes > 0) this.#abandonedBytes = Math.max(0, this.#abandonedBytes - stream.length);
    sink.complete();
  }

  /** The peer will not send the rest of the message. */
  #abandon(stream: ChunkStream): void {
    if (stream.sink === null) return;
    this.#abandonedBytes += stream.length;
    this.#abort(stream);
    if (this.#abandonedBytes > MAX_ABANDONED_BYTES) {
      throw new ProtocolError('too_much_unfinished', `more than ${MAX_ABANDONED_BYTES} bytes of abandoned messages`);
    }
  }

  #abort(stream: ChunkStream): void {
    if (stream.sink === null) return;
    const sink = stream.sink;
    stream.sink = null;
    this.#partialBytes -= stream.length;
    stream.remaining = 0;
    sink.abort();
  }

  /** @internal A collected message is complete. */
  collected(header: MessageHeader, payload: Buffer): void {
    if (header.typeId === MessageType.SetChunkSize) this.#setChunkSize(payload);
    else if (header.typeId === MessageType.Abort) this.#abortNamed(payload);
    else this.#receiver.message(header, payload);
  }

  #setChunkSize(payload: Buffer): void {
    if (payload.length < 4) return;
    // The top bit is reserved; some encoders set it.
    const size = payload.readUInt32BE(0) & 0x7fffffff;
    if (size < 1) throw new ProtocolError('bad_chunk_size', 'chunk size 0, allowed 1..16777215');
    this.#chunkSize = Math.min(size, MAX_CHUNK_SIZE);
  }

  #abortNamed(payload: Buffer): void {
    if (payload.length < 4) return;
    const stream = this.#streams.get(payload.readUInt32BE(0));
    if (stream !== undefined) this.#abandon(stream);
  }
}

/** Takes a command, data or control message to its reader. */
class WholeMessageSink extends CollectingSink {
  constructor(
    readonly reader: ChunkReader,
    readonly header: ChunkStream,
  ) {
    super(header.length);
  }

  complete(): void {
    this.reader.collected(this.header, this.payload);
  }
}

/**
 * Whether a timestamp field beyond half the clock makes the smaller step from `timestamp` if read as an absolute time.
 * If not, it is a small step back: librtmp writes the difference to an earlier time that way.
 */
function isNearer(field: number, timestamp: number): boolean {
  return Math.abs((field - timestamp) | 0) < 0x100000000 - field;
}

/** Whether `bytes[at, at + 4)` is this number; undefined while too few bytes have come to tell. */
function compareUInt32(bytes: Buffer, at: number, end: number, value: number): boolean | undefined {
  for (let i = 0; i < 4; i += 1) {
    if (at + i >= end) return undefined;
    if (bytes[at + i] !== ((value >>> (24 - 8 * i)) & 0xff)) return false;
  }
  return true;
}
