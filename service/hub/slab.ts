/**
 * Bytes of an ordinary slab: large enough that few flushes straddle two, small enough that a GOP frees most of them.
 */
export const SLAB_BYTES = 256 * 1024;

/** Messages that a slab has an index for at first, and at most while it waits in the pool. */
const INDEX_SIZE = 64;
const MAX_POOLED_INDEX_SIZE = 1024;

/**
 * A piece of a channel's append-only log of outgoing, chunk-encoded messages. Players and the GOP cache use views of
 * it, so bytes that have become readable are not overwritten until the slab is back in the pool.
 */
export class Slab {
  readonly bytes: Buffer;
  /** Position of the first byte in the stream's log. */
  base = 0;
  /** End of the reserved bytes. */
  reserved = 0;
  /** End of the bytes that are complete and may be sent. */
  ready = 0;
  /** How many complete messages it contains. */
  count = 0;
  /** Where each of them starts, in ascending order, and its media flags; elements from `count` on have no meaning. */
  starts = new Uint32Array(INDEX_SIZE);
  flags = new Uint16Array(INDEX_SIZE);
  /** Set when the socket of a player that left may hold a view; the slab is then left to the garbage collector. */
  tainted = false;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  reset(base: number): void {
    this.base = base;
    this.reserved = 0;
    this.ready = 0;
    this.count = 0;
    if (this.starts.length > MAX_POOLED_INDEX_SIZE) this.#resizeIndex(INDEX_SIZE);
    this.tainted = false;
  }

  /** Notes the complete message at `[start, end)`, which follows the last one. */
  add(start: number, end: number, flags: number): void {
    // Outside of the JavaScript heap, whose limit ends the process: tiny messages make long lists.
    if (this.count === this.starts.length) this.#resizeIndex(2 * this.count);
    this.starts[this.count] = start;
    this.flags[this.count] = flags;
    this.count += 1;
    this.ready = end;
  }

  /** The position after the slab, where the next one's begins. */
  get end(): number {
    return this.base + this.bytes.length;
  }

  /** Where the message at `index` ends. */
  endOf(index: number): number {
    return index + 1 < this.count ? this.starts[index + 1]! : this.ready;
  }

  /** Index of the first message that does not start before `offset`. */
  firstFrom(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #resizeIndex(size: number): void {
    const { starts, flags, count } = this;
    this.starts = new Uint32Array(size);
    this.flags = new Uint16Array(size);
    this.starts.set(starts.subarray(0, count));
    this.flags.set(flags.subarray(0, count));
  }
}

/**
 * Keeps used slabs for reuse: fresh memory costs a page fault for every 4 KB, which takes as much time as all
 * JavaScript on the media path.
 */
export class SlabPool {
  readonly #free: Slab[] = [];
  readonly #maxFree: number;
  /** Slabs made so far: a pool that works makes few. */
  created = 0;

  /** @param maxFreeBytes most memory that unused slabs may take */
  constructor(maxFreeBytes: number) {
    this.#maxFree = Math.floor(maxFreeBytes / SLAB_BYTES);
  }

  /** A slab with room for `bytes`; a message larger than an ordinary slab gets a slab of its size. */
  take(base: number, bytes: number): Slab {
    let slab = bytes <= SLAB_BYTES ? this.#free.pop() : undefined;
    if (slab === undefined) {
      this.created += 1;
      slab = new Slab(Math.max(bytes, SLAB_BYTES));
    }
    slab.reset(base);
    return slab;
  }

  /** Gives a slab back; nobody may hold a view of it any more. */
  release(slab: Slab): void {
    if (slab.tainted || slab.bytes.length !== SLAB_BYTES || this.#free.length >= this.#maxFree) return;
    slab.reset(0);
    this.#free.push(slab);
  }
}
