/** A step back by more than this (ms) is a jump of the publisher's clock, not audio that comes late. */
const MAX_LATE_MS = 2_000;
/** From the last frame before such a jump to the first one after it (ms): about one video frame. */
const JOIN_MS = 33;

/**
 * The timestamps of one connection: they begin at zero with its first frame, audio and video shifted alike. When the
 * publisher's clock steps back, they continue where they were, since services end a stream that does not.
 */
export class ForwardClock {
  #offset = 0;
  #latest = -1;

  /** A connection begins, at this time of the stream (ms). */
  begin(timestamp: number): void {
    this.#offset = -timestamp;
    this.#latest = 0;
  }

  /** The timestamp for the target (ms, may pass 2^32); negative: the frame is from before the beginning. */
  place(timestamp: number): number {
    const due = timestamp + this.#offset;
    if (due < this.#latest - MAX_LATE_MS) {
      this.#latest += JOIN_MS;
      this.#offset = this.#latest - timestamp;
      return this.#latest;
    }
    if (due > this.#latest) this.#latest = due;
    return due;
  }
}
