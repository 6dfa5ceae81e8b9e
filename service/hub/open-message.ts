import { ChunkStreamId, writeContinuation, writeHeader } from '../protocol/chunk/chunk-writer';
import { copyBytes } from '../protocol/chunk/copy-bytes';
import type { PayloadSink } from '../protocol/chunk/payload-sink';
import { MessageType } from '../protocol/message-types';
import type { Slab } from './slab';

/** Message stream id of encoded messages; players on another message stream get patched copies. */
export const SHARED_STREAM_ID = 1;

/** A message in the log, as its observer sees it; the object is reused for later messages. */
export interface LogMessage {
  readonly slab: Slab;
  /** Where the encoded message lies in the slab. */
  readonly start: number;
  readonly end: number;
  readonly typeId: number;
  /** As players get it. */
  readonly timestamp: number;
  /** As the publisher sent it. */
  readonly sourceTimestamp: number;
  /** The message describes the stream (`onMetaData`). */
  readonly isMetadata: boolean;
}

/** The log in which a message has its place. */
export interface MessageOwner {
  /** The payload has arrived completely. */
  completed(message: OpenMessage): void;
  /** The rest of the payload will not come. */
  aborted(message: OpenMessage): void;
}

/** A message whose payload is arriving; writes it in chunk-encoded form into its reserved place. */
export class OpenMessage implements PayloadSink, LogMessage {
  slab!: Slab;
  start = 0;
  end = 0;
  typeId = 0;
  timestamp = 0;
  sourceTimestamp = 0;
  isMetadata = false;
  done = false;
  /** Was complete at the last `letOvertake`, but behind an unfinished message. */
  hasWaited = false;
  /** Set aside: not in the log. */
  isAside = false;
  /** A later message of its kind has become readable. */
  isOvertaken = false;
  /** Counts messages in the order in which the publisher began them. */
  serial = 0;
  /** In the queue of the log's messages, while it is there. */
  place = 0;
  #target!: Buffer;
  #at = 0;
  #chunkRemaining = 0;
  #chunkStreamId = 0;

  constructor(
    readonly log: MessageOwner,
    readonly chunkSize: number,
  ) {}

  begin(slab: Slab, start: number, bytes: number, typeId: number, timestamp: number, length: number): void {
    this.slab = slab;
    this.#target = slab.bytes;
    this.start = start;
    this.end = start + bytes;
    this.typeId = typeId;
    this.timestamp = timestamp;
    this.done = false;
    this.hasWaited = false;
    this.isAside = false;
    this.isOvertaken = false;
    this.#chunkStreamId = chunkStreamIdOf(typeId);
    this.#chunkRemaining = this.chunkSize;
    this.#at = writeHeader(slab.bytes, start, this.#chunkStreamId, timestamp, length, typeId, SHARED_STREAM_ID);
  }

  append(source: Buffer, start: number, end: number): void {
    const target = this.#target;
    let from = start;
    while (from < end) {
      if (this.#chunkRemaining === 0) {
        this.#at = writeContinuation(target, this.#at, this.#chunkStreamId, this.timestamp);
        this.#chunkRemaining = this.chunkSize;
      }
      const to = Math.min(end, from + this.#chunkRemaining);
      copyBytes(source, from, to, target, this.#at);
      this.#at += to - from;
      this.#chunkRemaining -= to - from;
      from = to;
    }
  }

  complete(): void {
    this.done = true;
    this.log.completed(this);
  }

  abort(): void {
    this.log.aborted(this);
  }

  /** Moves the complete message to a lower place in its slab. */
  moveTo(start: number): void {
    this.slab.bytes.copyWithin(start, this.start, this.end);
    this.#shift(start - this.start);
  }

  /** Moves to separate memory, where the rest of the payload is written. */
  setAside(): void {
    const own = Buffer.allocUnsafeSlow(this.end - this.start);
    this.#target.copy(own, 0, this.start, this.#at);
    this.#target = own;
    this.isAside = true;
    this.#shift(-this.start);
  }

  /** Moves the complete message back into the log. */
  bringBack(slab: Slab, start: number): void {
    this.#target.copy(slab.bytes, start, this.start, this.end);
    this.slab = slab;
    this.#target = slab.bytes;
    this.isAside = false;
    this.#shift(start - this.start);
  }

  #shift(bytes: number): void {
    this.start += bytes;
    this.end += bytes;
    this.#at += bytes;
  }
}

function chunkStreamIdOf(typeId: number): number {
  if (typeId === MessageType.Audio) return ChunkStreamId.Audio;
  return typeId === MessageType.Video ? ChunkStreamId.Video : ChunkStreamId.Data;
}
