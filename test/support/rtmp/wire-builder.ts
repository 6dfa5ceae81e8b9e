import { amfEncode, type Amf } from './amf-test-codec';

/** Message type ids (RTMP 1.0 sections 5.4, 6.2, 7.1). */
export const MessageType = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAckSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  commandAmf3: 17,
  data: 18,
  command: 20,
  aggregate: 22,
} as const;

/** User control event types (RTMP 1.0 section 7.1.7). */
export const UserControl = {
  streamBegin: 0,
  streamEof: 1,
  streamDry: 2,
  setBufferLength: 3,
  pingRequest: 6,
  pingResponse: 7,
} as const;

export interface OutgoingMessage {
  readonly type: number;
  readonly streamId: number;
  /** Absolute, in milliseconds; its low 32 bits are sent. */
  readonly timestamp: number;
  readonly payload: Buffer;
}

/** How a message is cut into chunks. Everything is as given, wrong values included. */
export interface ChunkForm {
  /** 2..65599; default by type: 2 control, 3 command, 4 audio, 5 data, 6 video. */
  readonly csid?: number;
  /** Header format of the first chunk, default 0. 1 to 3 are relative to the last message of this chunk stream. */
  readonly fmt?: 0 | 1 | 2 | 3;
  /** Payload bytes per chunk, default what `ChunkBuilder.chunkSize` says. */
  readonly chunkSize?: number;
  /** False leaves the extended timestamp out of type 3 continuation chunks, as old encoders do. Default true. */
  readonly extendedOnType3?: boolean;
  /** The timestamp field of formats 1 and 2, instead of the difference to the previous message. */
  readonly delta?: number;
  /** Bytes of the basic header, instead of the shortest that holds the chunk stream id. */
  readonly basicHeaderBytes?: 1 | 2 | 3;
}

interface ChunkStreamState {
  timestamp: number;
  /** The field that the last header with a timestamp carried: what a type 3 chunk repeats. */
  field: number;
}

/**
 * Cuts messages into chunks, with full control over their form. Keeps the state for relative headers of chunk streams.
 */
export class ChunkBuilder {
  chunkSize = 128;
  readonly #streams = new Map<number, ChunkStreamState>();

  /** All chunks of the message in one buffer. */
  message(message: OutgoingMessage, form: ChunkForm = {}): Buffer {
    return Buffer.concat(this.chunks(message, form));
  }

  /** One buffer per chunk, to be interleaved with those of other messages. */
  chunks(message: OutgoingMessage, form: ChunkForm = {}): Buffer[] {
    const csid = form.csid ?? defaultChunkStream(message.type);
    const fmt = form.fmt ?? 0;
    const before = this.#streams.get(csid) ?? { timestamp: 0, field: 0 };
    const timestamp = message.timestamp >>> 0;
    const delta = form.delta ?? (timestamp - before.timestamp) >>> 0;
    const field = fmt === 0 ? timestamp : fmt === 3 ? before.field : delta;
    this.#streams.set(csid, { timestamp, field });

    const extended = field >= 0xffffff ? uint32(field) : Buffer.alloc(0);
    const first = [basicHeader(fmt, csid, form.basicHeaderBytes), messageHeader(fmt, field, message), extended];
    const later = [
      basicHeader(3, csid, form.basicHeaderBytes),
      form.extendedOnType3 === false ? Buffer.alloc(0) : extended,
    ];
    const size = form.chunkSize ?? this.chunkSize;
    const parts = [Buffer.concat([...first, message.payload.subarray(0, size)])];
    for (let at = size; at < message.payload.length; at += size) {
      parts.push(Buffer.concat([...later, message.payload.subarray(at, at + size)]));
    }
    return parts;
  }
}

function defaultChunkStream(type: number): number {
  switch (type) {
    case MessageType.audio:
      return 4;
    case MessageType.video:
      return 6;
    case MessageType.data:
    case MessageType.dataAmf3:
      return 5;
    case MessageType.command:
    case MessageType.commandAmf3:
      return 3;
    default:
      return type < 8 ? 2 : 7;
  }
}

/** RTMP 1.0 section 5.3.1.1. */
function basicHeader(fmt: number, csid: number, bytes?: 1 | 2 | 3): Buffer {
  const form = bytes ?? (csid < 64 ? 1 : csid < 320 ? 2 : 3);
  if (form === 1) return Buffer.of((fmt << 6) | csid);
  if (form === 2) return Buffer.of(fmt << 6, csid - 64);
  return Buffer.of((fmt << 6) | 1, (csid - 64) & 0xff, (csid - 64) >> 8);
}

/** RTMP 1.0 sections 5.3.1.2.1 to 5.3.1.2.4; the stream id is the one little-endian field. */
function messageHeader(fmt: number, field: number, { type, streamId, payload }: OutgoingMessage): Buffer {
  const header = Buffer.alloc(11);
  header.writeUIntBE(Math.min(field, 0xffffff), 0, 3);
  header.writeUIntBE(payload.length, 3, 3);
  header.writeUInt8(type, 6);
  header.writeUInt32LE(streamId, 7);
  return header.subarray(0, [11, 7, 3, 0][fmt]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** A protocol control message (stream 0) whose payload is one 32-bit number, such as Set Chunk Size. */
export function control(type: number, value: number): OutgoingMessage {
  return { type, streamId: 0, timestamp: 0, payload: uint32(value) };
}

/** A user control message: the 16-bit event type and its 32-bit values. */
export function userControl(event: number, ...values: number[]): OutgoingMessage {
  const payload = Buffer.concat([Buffer.of(event >> 8, event & 0xff), ...values.map(uint32)]);
  return { type: MessageType.userControl, streamId: 0, timestamp: 0, payload };
}

/** An AMF0 command (type 20). */
export function command(name: string, transactionId: number, args: readonly Amf[], streamId = 0): OutgoingMessage {
  return { type: MessageType.command, streamId, timestamp: 0, payload: amfEncode(name, transactionId, ...args) };
}

/** The same command as AMF3 senders put it: type 17 and a zero byte before the AMF0 values. */
export function commandAmf3(name: string, transactionId: number, args: readonly Amf[], streamId = 0): OutgoingMessage {
  const { payload } = command(name, transactionId, args);
  return { type: MessageType.commandAmf3, streamId, timestamp: 0, payload: Buffer.concat([Buffer.of(0), payload]) };
}

/** An aggregate message (type 22, section 7.1.6): FLV tags one after the other, each followed by its size. */
export function aggregate(tags: readonly OutgoingMessage[], streamId: number, timestamp: number): OutgoingMessage {
  const parts = tags.flatMap((tag) => {
    const header = Buffer.alloc(11);
    header.writeUInt8(tag.type, 0);
    header.writeUIntBE(tag.payload.length, 1, 3);
    header.writeUIntBE(tag.timestamp & 0xffffff, 4, 3);
    header.writeUInt8((tag.timestamp >>> 24) & 0xff, 7);
    return [header, tag.payload, uint32(tag.payload.length + 11)];
  });
  return { type: MessageType.aggregate, streamId, timestamp, payload: Buffer.concat(parts) };
}
