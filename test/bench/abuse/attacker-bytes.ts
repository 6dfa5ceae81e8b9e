import { type AmfValue, encodeAmf0 } from '../wire/amf0';
import { encodeMessage, messageType } from '../wire/chunk-encoding';

const CHUNK_BYTES = 4096;
const HANDSHAKE_BYTES = 1536;

/** C0, C1 and C2 at once: no server insists on its S1 in C2. */
export const HANDSHAKE = Buffer.concat([
  Buffer.from([3]),
  Buffer.alloc(8),
  Buffer.alloc(2 * HANDSHAKE_BYTES - 8, 0x5a),
]);

/** The handshake, the chunk size that the other functions encode with, and a `connect` to the channel. */
export function connected(channel: string, properties: Readonly<Record<string, AmfValue>> = {}): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(CHUNK_BYTES);
  const connect = { app: channel, tcUrl: `rtmp://localhost/${channel}`, ...properties };
  return Buffer.concat([
    HANDSHAKE,
    encodeMessage({ chunkStreamId: 2, type: 1, messageStreamId: 0, timestamp: 0 }, size, 128),
    command(0, ['connect', 1, connect]),
    command(0, ['createStream', 2, null]),
  ]);
}

export function command(messageStreamId: number, values: readonly AmfValue[]): Buffer {
  return message(messageType.command, messageStreamId, encodeAmf0(values));
}

export function message(type: number, messageStreamId: number, payload: Buffer, timestamp = 0): Buffer {
  return encodeMessage({ chunkStreamId: 3, type, messageStreamId, timestamp }, payload, CHUNK_BYTES);
}

/** A ping request on chunk stream 2, after which `PING_AGAIN` asks for the next one in 7 bytes. */
export const PING = encodeMessage(
  { chunkStreamId: 2, type: messageType.userControl, messageStreamId: 0, timestamp: 0 },
  Buffer.from([0, 6, 0, 0, 0, 1]),
  128,
);
export const PING_AGAIN = Buffer.from([0xc2, 0, 6, 0, 0, 0, 1]);

/** The same bytes repeated, about 64 KB of them: complete messages, so that the block can be sent repeatedly. */
export function block(bytes: Buffer, size = 65_536): Buffer {
  return Buffer.concat(Array<Buffer>(Math.max(1, Math.floor(size / bytes.length))).fill(bytes));
}

/** The beginning of a message on a chunk stream of any number: a full header, and the payload that follows it. */
export function beginning(chunkStreamId: number, type: number, length: number, payload: Buffer): Buffer {
  const id = chunkStreamId < 64 ? [chunkStreamId] : [1, (chunkStreamId - 64) & 0xff, (chunkStreamId - 64) >> 8];
  const header = Buffer.alloc(11);
  header.writeUIntBE(length, 3, 3);
  header[6] = type;
  header.writeUInt32LE(1, 7);
  return Buffer.concat([Buffer.from(id), header, payload]);
}

/** A PROXY protocol v2 header that names this IPv4 client. */
export function proxyHeader(client: string): Buffer {
  const addresses = Buffer.alloc(12);
  client.split('.').forEach((part, index) => (addresses[index] = Number(part)));
  addresses.writeUInt32BE(0x7f000001, 4);
  addresses.writeUInt16BE(40_000, 8);
  addresses.writeUInt16BE(1935, 10);
  return Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex'), addresses]);
}
