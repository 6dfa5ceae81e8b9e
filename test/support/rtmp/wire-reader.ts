import { amfDecode, type Amf } from './amf-test-codec';
import { MessageType } from './wire-builder';

/** A received message, with its form on the wire. */
export interface ReceivedMessage {
  readonly type: number;
  readonly streamId: number;
  readonly timestamp: number;
  readonly payload: Buffer;
  readonly csid: number;
  /** Header format of its first chunk. */
  readonly fmt: number;
  /** Payload bytes of its longest chunk. */
  readonly largestChunk: number;
  /** Present on commands (types 20 and 17). */
  readonly command?: ReceivedCommand;
  /** The values of a data message (types 18 and 15) that can be read. */
  readonly data?: readonly Amf[];
}

export interface ReceivedCommand {
  readonly name: string;
  readonly transactionId: number;
  readonly args: readonly Amf[];
}

interface ChunkStream {
  fmt: number;
  timestamp: number;
  /** The last timestamp field: a message that starts with a type 3 chunk advances by it. */
  field: number;
  extended: boolean;
  length: number;
  type: number;
  streamId: number;
  parts: Buffer[];
  missing: number;
  largestChunk: number;
}

/** Assembles the messages of a chunk stream. Strict: throws on anything that a server must not send. */
export class ChunkDecoder {
  chunkSize = 128;
  bytesRead = 0;
  #pending: Buffer = Buffer.alloc(0);
  readonly #streams = new Map<number, ChunkStream>();

  /** Every message that `bytes` completes. Handles Set Chunk Size. */
  push(bytes: Buffer): ReceivedMessage[] {
    this.bytesRead += bytes.length;
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    const messages: ReceivedMessage[] = [];
    for (;;) {
      const cursor = new Cursor(this.#pending);
      const chunk = this.#readChunk(cursor);
      if (chunk === undefined) return messages;
      this.#pending = this.#pending.subarray(cursor.at);
      if (chunk === 'unfinished') continue;
      if (chunk.type === MessageType.setChunkSize) this.chunkSize = chunk.payload.readUInt32BE();
      messages.push(chunk);
    }
  }

  /** undefined: more bytes are needed, and nothing was changed. */
  #readChunk(cursor: Cursor): ReceivedMessage | 'unfinished' | undefined {
    const basic = cursor.uint(1);
    if (basic === undefined) return undefined;
    const fmt = basic >> 6;
    let csid = basic & 0x3f;
    if (csid < 2) {
      const low = cursor.uint(1);
      const high = csid === 1 ? cursor.uint(1) : 0;
      if (low === undefined || high === undefined) return undefined;
      csid = 64 + low + (high << 8);
    }
    const known = this.#streams.get(csid);
    if (known === undefined && fmt !== 0) throw new Error(`chunk stream ${csid} starts with a type ${fmt} header`);
    const starts = known === undefined || known.missing === 0;
    if (!starts && fmt !== 3) throw new Error(`type ${fmt} header within a message of chunk stream ${csid}`);
    const stream = { ...(known ?? newChunkStream()) };
    const header = cursor.bytes([11, 7, 3, 0][fmt]!);
    if (header === undefined) return undefined;
    let field = stream.field;
    if (fmt < 3) {
      field = header.readUIntBE(0, 3);
      stream.extended = field === 0xffffff;
    }
    if (fmt < 2) {
      stream.length = header.readUIntBE(3, 3);
      stream.type = header.readUInt8(6);
    }
    if (fmt === 0) stream.streamId = header.readUInt32LE(7);
    if (stream.extended) {
      const extended = cursor.uint(4);
      if (extended === undefined) return undefined;
      if (!starts && extended !== field) throw new Error(`extended timestamp ${extended} continues one of ${field}`);
      field = extended;
    }
    if (starts) {
      stream.timestamp = fmt === 0 ? field : (stream.timestamp + field) >>> 0;
      Object.assign(stream, { fmt, field, parts: [], missing: stream.length, largestChunk: 0 });
    }
    const part = cursor.bytes(Math.min(stream.missing, this.chunkSize));
    if (part === undefined) return undefined;
    stream.parts.push(Buffer.from(part));
    stream.missing -= part.length;
    stream.largestChunk = Math.max(stream.largestChunk, part.length);
    this.#streams.set(csid, stream);
    return stream.missing > 0 ? 'unfinished' : toMessage(stream, csid);
  }
}

function newChunkStream(): ChunkStream {
  const header = { fmt: 0, timestamp: 0, field: 0, extended: false, length: 0, type: 0, streamId: 0 };
  return { ...header, parts: [], missing: 0, largestChunk: 0 };
}

function toMessage(stream: ChunkStream, csid: number): ReceivedMessage {
  const { type, streamId, timestamp, fmt, largestChunk } = stream;
  const payload = Buffer.concat(stream.parts);
  const message = { type, streamId, timestamp, payload, csid, fmt, largestChunk };
  const isAmf3 = type === MessageType.commandAmf3 || type === MessageType.dataAmf3;
  const body = isAmf3 ? payload.subarray(1) : payload;
  if (type === MessageType.command || type === MessageType.commandAmf3) {
    const [name, transactionId, ...args] = amfDecode(body);
    if (typeof name !== 'string') throw new Error('a command without a name');
    return { ...message, command: { name, transactionId: Number(transactionId), args } };
  }
  if (type === MessageType.data || type === MessageType.dataAmf3) return { ...message, ...dataOf(body) };
  return message;
}

/** Data comes from the publisher: faults in it are not the server's. */
function dataOf(body: Buffer): Pick<ReceivedMessage, 'data'> {
  try {
    return { data: amfDecode(body) };
  } catch {
    return {};
  }
}

class Cursor {
  at = 0;

  constructor(private readonly source: Buffer) {}

  /** undefined when the source ends before. */
  bytes(length: number): Buffer | undefined {
    if (this.at + length > this.source.length) return undefined;
    this.at += length;
    return this.source.subarray(this.at - length, this.at);
  }

  uint(length: number): number | undefined {
    return this.bytes(length)?.readUIntBE(0, length);
  }
}
