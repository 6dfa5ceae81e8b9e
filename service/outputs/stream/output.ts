import type { OutputStatus } from '../../http/api/schemas/output';

/** A complete message of a stream that is followed. */
export interface MediaMessage {
  /** `MessageType` Audio, Video or DataAmf0. */
  readonly typeId: number;
  /**
   * The stream's own time (ms). It does not wrap: 32-bit timestamps are continued past 2^32. It may still step back or
   * far ahead, as the publisher's did.
   */
  readonly timestamp: number;
  /** As players get it. Shared by all outputs: it may be kept, and is never changed. */
  readonly payload: Buffer;
  /** Bits of `MediaFlag`. */
  readonly flags: number;
}

/** What does not change while a stream is followed on this node. */
export interface StreamIdentity {
  readonly channel: string;
  /** The callback handler's id; empty when it gave none. */
  readonly streamId: string;
  /** When the stream was accepted (ms since the epoch). */
  readonly startedAt: number;
}

/** Why a stream, or an output of it, ended: a code of `EndCode`, and a sentence. */
export interface StreamEnding {
  readonly code: string;
  readonly reason: string;
}

/**
 * One output of one stream: a forward, a recording, a packager. Calls come in the order of the stream, one at a time.
 * No call may throw, wait or keep unbounded memory: an output that cannot keep up drops what it can, and counts it.
 */
export interface Output {
  /** Unique within the stream. */
  readonly id: string;
  /** Whether nobody notices if it gets the stream a tenth of a second later, and in larger batches. Default: false. */
  readonly isPatient?: boolean;
  /**
   * Takes a message. An output that is added to a running stream gets the metadata and the sequence headers first, then
   * the stream from wherever it is, so it waits for a keyframe by itself.
   */
  write(message: MediaMessage): void;
  /** The end of a batch of messages: what was collected can be sent or written now. */
  flush(): void;
  /**
   * Messages are missing before the next one, for about this long (ms), because the connection to the node was lost or
   * this program was too slow. Headers come again; the next video frame is a keyframe.
   */
  gap(missingMs: number): void;
  /** The publisher was lost, and the stream is held for it. */
  held(): void;
  /** Another connection of a publisher continues the stream. */
  resumed(): void;
  /** Ends the output; resolves when everything is sent or stored, or given up. Never rejects. */
  end(ending: StreamEnding): Promise<void>;
  status(): OutputStatus;
}
