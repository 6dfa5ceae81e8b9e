import {
  ChunkStreamId,
  encodedLength,
  headerLength,
  restamp,
  writeContinuation,
  writeHeader,
} from '../protocol/chunk/chunk-writer';
import { copyBytes } from '../protocol/chunk/copy-bytes';
import type { PayloadSink } from '../protocol/chunk/payload-sink';
import { MessageType } from '../protocol/message/message-types';
import { SLAB_BYTES, type Slab, type SlabPool } from './slab';

/** The message stream id that encoded messages bear; players on another get patched copies. */
export const SHARED_STREAM_ID = 1;

/** Told of each message that has become readable, in the order of the log. */
export interface LogObserver {
  /**
   * `message.slab.bytes[payloadAt, message.end)` begins with the payload's first bytes. Returns the message's media
   * flags, or LEFT_OUT to have the message vanish from the log.
   */
  messageReady(message: LogMessage, payloadAt: number): number;
}

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
}

export const LEFT_OUT = -1;

/** What `makeRoom` may leave unused at the end of a slab. */
const MAX_ROOM_BYTES = SLAB_BYTES / 4;

/** Slabs that nobody needs but a stuck player may hold; beyond this many the oldest are left to the collector. */
const MAX_LIMBO_SLABS = 64;

/**
 * A channel's append-only log of outgoing messages in chunk-encoded form. A payload is copied once, from the read
 * buffer into a slab; players, the GOP cache and a flush are all views of the slabs. Positions count bytes from the
 * stream's begin and only grow; a range of positions is turned into views with `views`.
 */
export class MessageLog {
  /** Everything before is complete and readable. */
  position = 0;
  /** Of the last selection: how many messages were taken, and the flags of those that were not. */
  selected = 0;
  skippedFlags = 0;

  readonly #pool: SlabPool;
  readonly #chunkSize: number;
  readonly #observer: LogObserver;
  /** From the oldest that is kept to the one being filled. */
  readonly #slabs: Slab[] = [];
  /** Slabs no longer kept whose views may still wait in a player's socket. */
  readonly #limbo: Slab[] = [];
  /** Messages in progress in the order of their places; a message becomes readable when all before it are. */
  readonly #open: OpenMessage[] = [];
  readonly #spare: OpenMessage[] = [];

  constructor(pool: SlabPool, chunkSize: number, observer: LogObserver) {
    this.#pool = pool;
    this.#chunkSize = chunkSize;
    this.#observer = observer;
  }

  /** Bytes taken by messages that cannot be sent yet because one before them is unfinished. */
  get blockedBytes(): number {
    const first = this.#open[0];
    const last = this.#slabs[this.#slabs.length - 1];
    return first === undefined || last === undefined ? 0 : last.base + last.reserved - first.slab.base - first.start;
  }

  /** Reserves the place of a message whose payload follows piece by piece. */
  open(typeId: number, timestamp: number, length: number, sourceTimestamp = timestamp): PayloadSink {
    const bytes = encodedLength(timestamp, length, this.#chunkSize);
    const slab = this.#slabFor(bytes);
    const message = this.#spare.pop() ?? new OpenMessage(this, this.#chunkSize);
    message.begin(slab, slab.reserved, bytes, typeId, timestamp, length);
    message.sourceTimestamp = sourceTimestamp;
    slab.reserved += bytes;
    this.#open.push(message);
    return message;
  }

  /** Adds a message that is there as a whole. */
  append(typeId: number, timestamp: number, payload: Buffer, sourceTimestamp = timestamp): void {
    const sink = this.open(typeId, timestamp, payload.length, sourceTimestamp);
    sink.append(payload, 0, payload.length);
    sink.complete();
  }

  /**
   * Has what comes next begin a new slab if it is expected to be more than this one still takes: bytes in one piece are
   * sent with less work than those in two.
   */
  makeRoom(expectedBytes: number): void {
    const last = this.#slabs[this.#slabs.length - 1];
    if (last === undefined || this.#open.length > 0 || expectedBytes > MAX_ROOM_BYTES) return;
    if (last.reserved + expectedBytes > last.bytes.length) last.reserved = last.bytes.length;
  }

  /** Collects the readable bytes of `[from, to)` into `views`; the bytes must still be kept. */
  views(from: number, to: number, views: Buffer[]): void {
    views.length = 0;
    const slabs = this.#slabs;
    for (let i = slabs.length - 1; i >= 0; i -= 1) {
      const slab = slabs[i]!;
      const start = Math.max(0, from - slab.base);
      const end = Math.min(slab.ready, to - slab.base);
      if (end > start) views.push(slab.bytes.subarray(start, end));
      if (slab.base <= from) break;
    }
    if (views.length > 1) views.reverse();
  }

  /**
   * Copies the messages of `[from, to)` that bear one of the media flags, with another message stream id.
   * For the players that cannot share the common bytes.
   */
  select(from: number, to: number, mask: number, streamId: number): Buffer {
    const parts: Buffer[] = [];
    let skipped = 0;
    this.visit(from, to, (slab, index) => {
      const flags = slab.flags[index]!;
      if ((flags & mask) !== 0) parts.push(slab.bytes.subarray(slab.starts[index], slab.endOf(index)));
      else skipped |= flags;
      return true;
    });
    this.selected = parts.length;
    this.skippedFlags = skipped;
    const copy = Buffer.concat(parts);
    let at = 0;
    for (const part of parts) {
      restamp(copy, at, streamId);
      at += part.length;
    }
    return copy;
  }

  /** The position of the first message in `[from, to)` that bears the flag; -1 when there is none. */
  find(from: number, to: number, flag: number): number {
    let found = -1;
    this.visit(from, to, (slab, index) => {
      if ((slab.flags[index]! & flag) === 0) return true;
      found = slab.base + slab.starts[index]!;
      return false;
    });
    return found;
  }

  /** Calls `visit` for each message that starts in `[from, to)`, until it returns false. */
  visit(from: number, to: number, visit: (slab: Slab, index: number) => boolean): void {
    for (const slab of this.#slabs) {
      if (slab.end <= from || slab.base >= to) continue;
      for (let i = firstAtOrAfter(slab.starts, from - slab.base); i < slab.starts.length; i += 1) {
        if (slab.base + slab.starts[i]! >= to) return;
        if (!visit(slab, i)) return;
      }
    }
  }

  /**
   * Lets go of slabs that end at or before `keepFrom`. Those that end at or before `heldFrom`, where the oldest bytes
   * lie that a player's socket still holds, are used again.
   */
  trim(keepFrom: number, heldFrom: number): void {
    while (this.#slabs.length > 1 && this.#slabs[0]!.end <= keepFrom) this.#limbo.push(this.#slabs.shift()!);
    while (this.#limbo.length > 0 && this.#limbo[0]!.end <= heldFrom) this.#pool.release(this.#limbo.shift()!);
    while (this.#limbo.length > MAX_LIMBO_SLABS) this.#limbo.shift();
  }

  /** A player left with views from `heldFrom` on in its socket: these slabs must not be written again. */
  taint(heldFrom: number): void {
    for (const slab of this.#slabs) if (slab.end > heldFrom) slab.tainted = true;
    for (const slab of this.#limbo) if (slab.end > heldFrom) slab.tainted = true;
  }

  /** Ends the log; slabs before `heldFrom` are used again, later ones left to the collector. */
  close(heldFrom: number): void {
    this.taint(heldFrom);
    // The publisher may go on with a message that it has begun, on a connection that outlives the stream.
    for (const { slab } of this.#open) slab.tainted = true;
    for (const slab of this.#limbo) this.#pool.release(slab);
    for (const slab of this.#slabs) this.#pool.release(slab);
    this.#limbo.length = 0;
    this.#slabs.length = 0;
    this.#open.length = 0;
  }

  #slabFor(bytes: number): Slab {
    const last = this.#slabs[this.#slabs.length - 1];
    if (last !== undefined && last.reserved + bytes <= last.bytes.length) return last;
    const slab = this.#pool.take(last === undefined ? 0 : last.end, bytes);
    this.#slabs.push(slab);
    return slab;
  }

  /** @internal */
  completed(): void {
    while (this.#open.length > 0 && this.#open[0]!.done) {
      const message = this.#open[0]!;
      const flags = this.#observer.messageReady(message, message.start + headerLength(message.timestamp));
      if (flags === LEFT_OUT) {
        this.#takeOut(0);
        continue;
      }
      this.#open.shift();
      const { slab, start, end } = message;
      slab.starts.push(start);
      slab.flags.push(flags);
      slab.ready = end;
      this.position = slab.base + end;
      this.#spare.push(message);
    }
  }

  /** @internal */
  aborted(message: OpenMessage): void {
    const at = this.#open.indexOf(message);
    if (at < 0) return;
    this.#takeOut(at);
    this.completed();
  }

  /** Closes the gap that a message leaves which will not be sent: nothing behind it has been shown to anybody yet. */
  #takeOut(at: number): void {
    const message = this.#open[at]!;
    this.#open.splice(at, 1);
    const { slab, start, end } = message;
    slab.bytes.copyWithin(start, end, slab.reserved);
    slab.reserved -= end - start;
    for (let i = at; i < this.#open.length && this.#open[i]!.slab === slab; i += 1)
      this.#open[i]!.moveDown(end - start);
    this.#spare.push(message);
  }
}

/** A message whose payload is arriving; writes it in chunk-encoded form into its reserved place. */
class OpenMessage implements PayloadSink, LogMessage {
  slab!: Slab;
  start = 0;
  end = 0;
  typeId = 0;
  timestamp = 0;
  sourceTimestamp = 0;
  done = false;
  #at = 0;
  #chunkRemaining = 0;
  #chunkStreamId = 0;

  constructor(
    readonly log: MessageLog,
    readonly chunkSize: number,
  ) {}

  begin(slab: Slab, start: number, bytes: number, typeId: number, timestamp: number, length: number): void {
    this.slab = slab;
    this.start = start;
    this.end = start + bytes;
    this.typeId = typeId;
    this.timestamp = timestamp;
    this.done = false;
    this.#chunkStreamId = chunkStreamIdOf(typeId);
    this.#chunkRemaining = this.chunkSize;
    this.#at = writeHeader(slab.bytes, start, this.#chunkStreamId, timestamp, length, typeId, SHARED_STREAM_ID);
  }

  append(source: Buffer, start: number, end: number): void {
    const target = this.slab.bytes;
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
    this.log.completed();
  }

  abort(): void {
    this.log.aborted(this);
  }

  moveDown(bytes: number): void {
    this.start -= bytes;
    this.end -= bytes;
    this.#at -= bytes;
  }
}

function chunkStreamIdOf(typeId: number): number {
  if (typeId === MessageType.Audio) return ChunkStreamId.Audio;
  return typeId === MessageType.Video ? ChunkStreamId.Video : ChunkStreamId.Data;
}

/** Index of the first element that is not below `value` in an ascending list. */
function firstAtOrAfter(list: readonly number[], value: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
