import type { MessageHeader } from '../message-types';
import type { PayloadSink } from './payload-sink';

/**
 * A reader's state of one chunk stream: the header fields that later chunks omit (RTMP 1.0 section 5.3.1.2), and the
 * message in progress. Each chunk stream has its own clock; a shared clock would shift interleaved audio and video.
 */
export class ChunkStream implements MessageHeader {
  timestamp = 0;
  length = 0;
  typeId = 0;
  streamId = 0;
  /** A type 3 chunk that starts a message adds this to the timestamp. */
  delta = 0;
  /** The 32-bit extended timestamp field as sent, or -1 when the last header had none. */
  extended = -1;
  /** The sender omits the extended timestamp in chunks that continue a message, as it has done here before. */
  omitsExtended = false;
  /** Payload bytes of the message in progress that are still to come. */
  remaining = 0;
  /** Receives the payload of the message in progress; null between messages. */
  sink: PayloadSink | null = null;
  /** False until a header with a length was read: types 2 and 3 have no meaning before. */
  known = false;

  /** The one-byte header of a type 3 chunk on this chunk stream; -1 when its basic header is longer. */
  readonly continuation: number;

  constructor(readonly id: number) {
    this.continuation = id < 64 ? 0xc0 | id : -1;
  }
}
