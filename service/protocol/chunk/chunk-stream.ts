import type { MessageHeader } from '../message-types';
import type { PayloadSink } from './payload-sink';

/**
 * What a reader remembers of one chunk stream: the header fields that later chunks leave out (RTMP 1.0 section
 * 5.3.1.2), and the message in progress. Each chunk stream has a clock of its own; sharing one would shift interleaved
 * audio and video.
 */
export class ChunkStream implements MessageHeader {
  timestamp = 0;
  length = 0;
  typeId = 0;
  streamId = 0;
  /** What a type 3 chunk that starts a message adds to the timestamp. */
  delta = 0;
  /** The 32-bit extended timestamp field as sent, or -1 when the last header had none. */
  extended = -1;
  /** The sender leaves the extended timestamp out of chunks that go on with a message: it has done so here. */
  omitsExtended = false;
  /** Payload bytes of the message in progress that are still to come. */
  remaining = 0;
  /** Where the payload in progress goes; null between messages. */
  sink: PayloadSink | null = null;
  /** False until a header with a length was seen: types 2 and 3 mean nothing before. */
  known = false;

  /** The one-byte header of a type 3 chunk on this chunk stream; -1 when its basic header is longer. */
  readonly continuation: number;

  constructor(readonly id: number) {
    this.continuation = id < 64 ? 0xc0 | id : -1;
  }
}
