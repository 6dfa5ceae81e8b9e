import type { PayloadSink } from '../protocol/chunk/payload-sink';
import type { DataMessage } from '../protocol/message/data-message';

/** Where a publisher's media goes. */
export interface StreamInlet {
  /** The place for an audio or video message's payload. */
  openMedia(typeId: number, timestamp: number, length: number): PayloadSink;
  /** Adds a complete audio or video message, such as a part of an aggregate. */
  appendMedia(typeId: number, timestamp: number, payload: Buffer): void;
  /** Adds a data message, without its `@setDataFrame`. */
  appendData(timestamp: number, message: DataMessage): void;
}
