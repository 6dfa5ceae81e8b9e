import { ChunkStreamId, DEFAULT_CHUNK_SIZE, encodeMessage } from '../chunk/chunk-writer';
import { MessageType } from '../message-types';

/** User Control event types (RTMP 1.0 section 7.1.7). */
export const UserControlEvent = {
  StreamBegin: 0,
  StreamEof: 1,
  PingRequest: 6,
  PingResponse: 7,
} as const;

/** The kinds of peer bandwidth limits (RTMP 1.0 section 5.4.5). */
export const PeerBandwidthLimit = { Hard: 0, Soft: 1, Dynamic: 2 } as const;

/** Wraps a control payload; control messages travel on chunk stream 2 and message stream 0 with timestamp 0. */
function control(typeId: number, payload: Buffer): Buffer {
  // So short that no chunk size splits them.
  return encodeMessage(ChunkStreamId.Control, 0, typeId, 0, payload, DEFAULT_CHUNK_SIZE);
}

function uint32(value: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(value);
  return payload;
}

export function setChunkSize(size: number): Buffer {
  return control(MessageType.SetChunkSize, uint32(size));
}

/** @param bytesReceived the low 32 bits of the count of bytes read so far */
export function acknowledgement(bytesReceived: number): Buffer {
  return control(MessageType.Acknowledgement, uint32(bytesReceived));
}

export function windowAckSize(bytes: number): Buffer {
  return control(MessageType.WindowAckSize, uint32(bytes));
}

export function setPeerBandwidth(bytes: number, limit: number): Buffer {
  const payload = Buffer.allocUnsafe(5);
  payload.writeUInt32BE(bytes);
  payload[4] = limit;
  return control(MessageType.SetPeerBandwidth, payload);
}

/** A User Control message with a 32-bit argument: a message stream id, or a time in milliseconds for pings. */
export function userControl(event: number, argument: number): Buffer {
  const payload = Buffer.allocUnsafe(6);
  payload.writeUInt16BE(event);
  payload.writeUInt32BE(argument >>> 0, 2);
  return control(MessageType.UserControl, payload);
}
