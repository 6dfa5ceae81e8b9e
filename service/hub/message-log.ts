import { encodedLength, headerLength, restamp } from '../protocol/chunk/chunk-writer';
import type { PayloadSink } from '../protocol/chunk/payload-sink';
import { tagLength } from '../protocol/flv/flv-tag';
import { MediaFlag } from '../protocol/media/media-tag';
import { ProtocolError } from '../protocol/protocol-errors';
import { type LogMessage, type MessageOwner, OpenMessage } from './open-message';
import { PieceWriter, type PlayerFormat } from './player-format';
import { PlaceQueue } from './place-queue';
import { SLAB_BYTES, type Slab, type SlabPool } from './slab';
import { isOtherTrack, isWanted, isWantedUnwrapped, Wanted } from './wanted';

/** Told of each message that has become readable, in the order of the log. */
export interface LogObserver {
  /**
   * `message.slab.bytes[payloadAt, message.end)` begins with the payload's first bytes. Returns the message's media
   * flags, or LEFT_OUT to remove the message from the log.
   */
  messageReady(message: LogMessage, payloadAt: number): number;
}

export const LEFT_OUT = -1;

/** Gives the main track's part of an encoded message; undefined when the message has none. */
export type Unwrap = (encoded: Buffer) => Buffer | undefined;

/** Takes the messages that were chosen. */
interface Taker {
  /** Adjacent messages of a slab, from index `first` to `last`. */
  run(slab: Slab, first: number, last: number): void;
  /** An encoded message that is not in the log. */
  part(part: Buffer): void;
}

/** Bytes that may wait behind an unfinished message; a publisher that exceeds them is disconnected. */
export const MAX_BLOCKED_BYTES = 32 * 1024 * 1024;
/** Messages that may wait behind an unfinished message: all become readable at once, while all other streams wait. */
export const MAX_WAITING_MESSAGES = 10_000;
/** Message objects that are kept for later messages. */
const MAX_SPARE_MESSAGES = 256;

/** Bytes that `makeRoom` may leave unused at the end of a slab. */
const MAX_ROOM_BYTES = SLAB_BYTES / 4;

/**
 * Unneeded slabs that are tracked because a player's socket may hold them; older ones are left to the garbage
 * collector.
 */
const MAX_LIMBO_SLABS = 64;

/**
 * A stream's append-only log of outgoing messages in chunk-encoded form. A payload is copied once, from the read
 * buffer into a slab; players, the GOP cache and a flush are all views of the slabs. Positions count bytes from the
 * stream's beginning and only grow; `views` turns a range of positions into views.
 */
export class MessageLog implements MessageOwner {
  /** Everything before this position is complete and readable. */
  position = 0;
  /** Of the last selection: how many messages were taken, and the kinds (Audio, Video) of skipped headers. */
  selected = 0;
  skippedHeaders = 0;

  readonly #pool: SlabPool;
  readonly #chunkSize: number;
  readonly #observer: LogObserver;
  /** Slabs that are kept, from the oldest to the one being filled. */
  readonly #slabs: Slab[] = [];
  /** Slabs no longer kept whose views may still wait in a player's socket. */
  readonly #limbo: Slab[] = [];
  /** Messages in progress in the order of their places; a message becomes readable when all before it are. */
  readonly #open = new PlaceQueue<OpenMessage>();
  /** Unfinished messages that later ones have overtaken: they have no place in the log any more. */
  readonly #aside: OpenMessage[] = [];
  readonly #spare: OpenMessage[] = [];
  #begun = 0;
  #keptBytes = 0;
  /** Where the next slab begins while there is none. */
  #base = 0;

  constructor(pool: SlabPool, chunkSize: number, observer: LogObserver) {
    this.#pool = pool;
    this.#chunkSize = chunkSize;
    this.#observer = observer;
  }

  /** Memory from the first unfinished message on: it cannot be sent yet (bytes). */
  get blockedBytes(): number {
    const first = this.#open.first;
    if (first === undefined) return 0;
    let bytes = -first.start;
    for (let i = this.#slabs.length - 1; i >= 0; i -= 1) {
      const slab = this.#slabs[i]!;
      // Nothing more is written behind the messages of an earlier slab.
      bytes += i === this.#slabs.length - 1 ? slab.reserved : slab.bytes.length;
      if (slab === first.slab) break;
    }
    return bytes;
  }

  /** Memory of the slabs that are kept, with what is unused in them (bytes). */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /**
   * Reserves the place of a message whose payload follows piece by piece.
   *
   * @throws ProtocolError when too much waits behind an unfinished message
   */
  open(
    typeId: number,
    timestamp: number,
    length: number,
    sourceTimestamp = timestamp,
    isMetadata = false,
  ): PayloadSink {
    const bytes = encodedLength(timestamp, length, this.#chunkSize);
    if (this.#open.length >= MAX_WAITING_MESSAGES) throw tooMuchWaits();
    const slab = this.#slabFor(bytes);
    const message = this.#spare.pop() ?? new OpenMessage(this, this.#chunkSize);
    message.begin(slab, slab.reserved, bytes, typeId, timestamp, length);
    message.sourceTimestamp = sourceTimestamp;
    message.isMetadata = isMetadata;
    message.serial = this.#begun++;
    slab.reserved += bytes;
    message.place = this.#open.push(message);
    return message;
  }

  /** Adds a complete message. */
  append(typeId: number, timestamp: number, payload: Buffer, sourceTimestamp = timestamp, isMetadata = false): void {
    const sink = this.open(typeId, timestamp, payload.length, sourceTimestamp, isMetadata);
    sink.append(payload, 0, payload.length);
    sink.complete();
  }

  /**
   * Lets messages overtake an unfinished one if they were complete at the previous call already. The unfinished message
   * follows once it is complete. If a later message of its kind has been sent by then, it is left out: a decoder needs
   * the messages of a kind in order. Called about once a second.
   */
  letOvertake(): void {
    const open = this.#open;
    if (open.length === 0) return;
    let last = open.to - 1;
    while (last > open.from && open.at(last)?.hasWaited !== true) last -= 1;
    for (let place = open.from; place < last; place += 1) {
      const message = open.at(place);
      if (message?.done === false) this.#setAside(message);
    }
    this.#advance();
    for (let place = open.from; place < open.to; place += 1) {
      const message = open.at(place);
      if (message !== undefined) message.hasWaited = message.done;
    }
  }

  /**
   * Gives up the unfinished messages: messages behind them become readable now, and the rest of their payload is
   * discarded. For a change of source: messages of the former source must not be taken for the next one's.
   */
  abandonUnfinished(): void {
    this.#aside.length = 0;
    const open = this.#open;
    for (let place = open.from; place < open.to; place += 1) {
      const message = open.at(place);
      if (message?.done === false) this.#detach(message);
    }
    this.#advance();
  }

  /**
   * Starts a new slab if the next batch would not fit in the current one: bytes in one piece are sent with less work
   * than bytes in two.
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
   * Copies the wanted messages of `[from, to)` (see `isWanted`) with another message stream id, for players that cannot
   * share the common bytes.
   */
  select(from: number, to: number, wanted: number, streamId: number, unwrap?: Unwrap): Buffer {
    const copy = Buffer.allocUnsafe(this.#measure(from, to, wanted));
    let at = 0;
    this.#collect(from, to, wanted, unwrap, {
      run: (slab, first, last) => {
        const start = slab.starts[first]!;
        const copied = slab.bytes.copy(copy, at, start, slab.endOf(last));
        for (let i = first; i <= last; i += 1) restamp(copy, at + slab.starts[i]! - start, streamId);
        at += copied;
      },
      part: (part) => {
        part.copy(copy, at);
        restamp(copy, at, streamId);
        at += part.length;
      },
    });
    return at === copy.length ? copy : copy.subarray(0, at);
  }

  /** Collects the wanted messages of `[from, to)` into `views`; only unwrapped ones are copied. */
  selectViews(from: number, to: number, wanted: number, views: Buffer[], unwrap?: Unwrap): void {
    views.length = 0;
    this.#collect(from, to, wanted, unwrap, {
      run: (slab, first, last) => void views.push(slab.bytes.subarray(slab.starts[first], slab.endOf(last))),
      part: (part) => void views.push(part),
    });
  }

  /** Encodes the wanted messages of `[from, to)` as FLV tags, for players of this format. */
  selectTags(from: number, to: number, wanted: number, format: PlayerFormat, unwrap?: Unwrap): PieceWriter {
    let bytes = 0;
    this.visit(from, to, (slab, index) => {
      if (isWanted(slab.flags[index]!, wanted)) bytes += tagLength(slab.bytes, slab.starts[index]!);
      return true;
    });
    const writer = new PieceWriter(format, this.#chunkSize, bytes);
    this.#collect(from, to, wanted, unwrap, {
      run: (slab, first, last) => {
        for (let i = first; i <= last; i += 1) writer.add(slab.bytes, slab.starts[i]!);
      },
      part: (part) => writer.add(part, 0),
    });
    return writer;
  }

  /** Bytes of the wanted messages of `[from, to)`, none of them unwrapped. */
  #measure(from: number, to: number, wanted: number): number {
    let bytes = 0;
    this.visit(from, to, (slab, index) => {
      if (isWanted(slab.flags[index]!, wanted)) bytes += slab.endOf(index) - slab.starts[index]!;
      return true;
    });
    return bytes;
  }

  /** Gives the wanted messages of `[from, to)` to `taker`, adjacent ones together. */
  #collect(from: number, to: number, wanted: number, unwrap: Unwrap | undefined, taker: Taker): void {
    this.selected = 0;
    this.skippedHeaders = 0;
    let run: Slab | undefined;
    let first = 0;
    let last = 0;
    this.visit(from, to, (slab, index) => {
      const flags = slab.flags[index]!;
      let part: Buffer | undefined;
      if (!isWanted(flags, wanted)) {
        // A player does not miss the headers of tracks that it never gets.
        if ((flags & MediaFlag.Config) !== 0 && !isOtherTrack(flags, wanted))
          this.skippedHeaders |= flags & Wanted.Kinds;
        return true;
      }
      if (unwrap !== undefined && isWantedUnwrapped(flags, wanted)) {
        part = unwrap(slab.bytes.subarray(slab.starts[index], slab.endOf(index)));
        if (part === undefined) return true;
      }
      this.selected += 1;
      if (part === undefined && slab === run && index === last + 1) {
        last = index;
        return true;
      }
      if (run !== undefined) taker.run(run, first, last);
      run = part === undefined ? slab : undefined;
      first = index;
      last = index;
      if (part !== undefined) taker.part(part);
      return true;
    });
    if (run !== undefined) taker.run(run, first, last);
  }

  /** The position of the first message in `[from, to)` with this media flag; -1 when there is none. */
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
      for (let i = slab.firstFrom(from - slab.base); i < slab.count; i += 1) {
        if (slab.base + slab.starts[i]! >= to) return;
        if (!visit(slab, i)) return;
      }
    }
  }

  /**
   * Stops keeping slabs that end at or before `keepFrom`, and returns those to the pool that end at or before
   * `heldFrom`, the position of the oldest byte that a player's socket still holds.
   */
  trim(keepFrom: number, heldFrom: number): void {
    while (this.#slabs.length > 1 && this.#slabs[0]!.end <= keepFrom) {
      const slab = this.#slabs.shift()!;
      this.#keptBytes -= slab.bytes.length;
      this.#limbo.push(slab);
    }
    while (this.#limbo.length > 0 && this.#limbo[0]!.end <= heldFrom) this.#pool.release(this.#limbo.shift()!);
    while (this.#limbo.length > MAX_LIMBO_SLABS) this.#limbo.shift();
  }

  /** A player left whose socket holds views from `heldFrom` on: these slabs must not be overwritten. */
  taint(heldFrom: number): void {
    for (const slab of this.#slabs) if (slab.end > heldFrom) slab.tainted = true;
    for (const slab of this.#limbo) if (slab.end > heldFrom) slab.tainted = true;
  }

  /** Ends the log; slabs before `heldFrom` return to the pool, later ones are left to the garbage collector. */
  close(heldFrom: number): void {
    this.taint(heldFrom);
    // The publisher's connection may outlive the stream and send the rest of a message that it has begun.
    for (let place = this.#open.from; place < this.#open.to; place += 1) {
      const message = this.#open.at(place);
      if (message !== undefined) message.slab.tainted = true;
    }
    for (const slab of this.#limbo) this.#pool.release(slab);
    for (const slab of this.#slabs) this.#pool.release(slab);
    this.#limbo.length = 0;
    this.#slabs.length = 0;
    this.#keptBytes = 0;
    this.#open.clear();
    this.#aside.length = 0;
  }

  #slabFor(bytes: number): Slab {
    const last = this.#slabs[this.#slabs.length - 1];
    if (last !== undefined && last.reserved + bytes <= last.bytes.length) return last;
    if (this.blockedBytes > MAX_BLOCKED_BYTES) throw tooMuchWaits();
    const slab = this.#pool.take(last === undefined ? this.#base : last.end, bytes);
    this.#slabs.push(slab);
    this.#keptBytes += slab.bytes.length;
    return slab;
  }

  completed(message: OpenMessage): void {
    if (message.isAside) this.#bringBack(message);
    this.#advance();
  }

  aborted(message: OpenMessage): void {
    if (message.isAside) {
      if (this.#leaveAside(message)) this.#recycle(message);
      return;
    }
    if (this.#open.at(message.place) !== message) return;
    this.#takeOut(message);
    this.#recycle(message);
    this.#advance();
  }

  /** Makes complete messages readable, up to the first unfinished message. */
  #advance(): void {
    const open = this.#open;
    for (let message = open.first; message?.done === true; message = open.first) {
      const { slab } = message;
      // Messages before it were taken out; nobody reads its bytes yet, so they may move.
      if (message.start > slab.ready) message.moveTo(slab.ready);
      const flags = this.#observer.messageReady(message, message.start + headerLength(message.timestamp));
      if (flags === LEFT_OUT) {
        this.#takeOut(message);
        this.#recycle(message);
        continue;
      }
      open.takeOut(message.place);
      slab.add(message.start, message.end, flags);
      this.position = slab.base + message.end;
      if (this.#aside.length > 0) this.#noteOvertaking(message);
      this.#recycle(message);
    }
    if (open.length === 0) this.#giveBackEnd();
  }

  /** Takes a message out of the queue that will not be sent, or not from its present place. */
  #takeOut(message: OpenMessage): void {
    const { slab } = message;
    this.#open.takeOut(message.place);
    // A large message has its slab to itself, which need not wait for those behind it.
    if (slab.bytes.length > SLAB_BYTES) this.#removeSlab(this.#slabs.lastIndexOf(slab));
    this.#giveBackEnd();
  }

  /** Gives back the space behind the last message. */
  #giveBackEnd(): void {
    const slabs = this.#slabs;
    const lastMessage = this.#open.last;
    for (let i = slabs.length - 1; i >= 0; i -= 1) {
      const slab = slabs[i]!;
      if (slab === lastMessage?.slab) {
        slab.reserved = lastMessage.end;
        return;
      }
      slab.reserved = slab.ready;
      if (slab.ready > 0 || i === 0) return;
      const before = slabs[i - 1]!;
      // One empty slab is kept for the next message.
      if (before === lastMessage?.slab || before.ready > 0) return;
      this.#removeSlab(i);
    }
  }

  #removeSlab(index: number): void {
    if (index < 0) return;
    const slab = this.#slabs[index]!;
    this.#slabs.splice(index, 1);
    this.#base = slab.base;
    this.#keptBytes -= slab.bytes.length;
    this.#pool.release(slab);
  }

  #recycle(message: OpenMessage): void {
    if (this.#spare.length < MAX_SPARE_MESSAGES) this.#spare.push(message);
  }

  /** Takes an unfinished message out of the log until it is finished. */
  #setAside(message: OpenMessage): void {
    this.#detach(message);
    this.#aside.push(message);
  }

  /** Moves an unfinished message from the log to separate memory, where the rest of its payload is written. */
  #detach(message: OpenMessage): void {
    message.setAside();
    this.#takeOut(message);
  }

  /** A message that was set aside is complete: appends it, unless a later message of its kind comes first. */
  #bringBack(message: OpenMessage): void {
    if (!this.#leaveAside(message)) return;
    if (message.isOvertaken) {
      this.#recycle(message);
      return;
    }
    const open = this.#open;
    // Unfinished messages of its kind that the publisher began later have to follow this message.
    for (let place = open.from; place < open.to; place += 1) {
      const other = open.at(place);
      if (other?.typeId !== message.typeId) continue;
      if (other.done) {
        this.#recycle(message);
        return;
      }
      this.#setAside(other);
    }
    const slab = this.#slabFor(message.end - message.start);
    message.bringBack(slab, slab.reserved);
    slab.reserved = message.end;
    message.place = open.push(message);
  }

  /** Takes a message out of `#aside`; false when it was given up or the stream has ended meanwhile. */
  #leaveAside(message: OpenMessage): boolean {
    const at = this.#aside.indexOf(message);
    if (at >= 0) this.#aside.splice(at, 1);
    return at >= 0;
  }

  #noteOvertaking({ typeId, serial }: OpenMessage): void {
    for (const message of this.#aside) {
      if (message.typeId === typeId && message.serial < serial) message.isOvertaken = true;
    }
  }
}

function tooMuchWaits(): ProtocolError {
  return new ProtocolError('too_much_unfinished', 'a message was left unfinished while others continued');
}
