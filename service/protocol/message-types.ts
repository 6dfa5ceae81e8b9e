/** RTMP message type ids (RTMP 1.0 sections 5.4 and 7.1). */
export const MessageType = {
  SetChunkSize: 1,
  Abort: 2,
  Acknowledgement: 3,
  UserControl: 4,
  WindowAckSize: 5,
  SetPeerBandwidth: 6,
  Audio: 8,
  Video: 9,
  DataAmf3: 15,
  SharedObjectAmf3: 16,
  CommandAmf3: 17,
  DataAmf0: 18,
  SharedObjectAmf0: 19,
  CommandAmf0: 20,
  Aggregate: 22,
} as const;

/** The fields of a message header, as the chunk stream carried them. */
export interface MessageHeader {
  readonly typeId: number;
  /** Milliseconds, unsigned 32 bit. */
  readonly timestamp: number;
  /** Payload bytes. */
  readonly length: number;
  /** Message stream id; 0 is the connection itself. */
  readonly streamId: number;
}
