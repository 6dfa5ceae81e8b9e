/** From the old source's last frame to the new one's first (ms): about one video frame. */
const JOIN_GAP_MS = 33;

/**
 * Keeps a stream's timestamps running on when its source changes. Timestamps are 32-bit milliseconds that wrap; those of
 * the first source pass unchanged.
 */
export class Timeline {
  #offset = 0;
  /** The latest timestamp sent, and whether there is one. */
  #latest = 0;
  #begun = false;
  /** Set from a change of source to its first frame, which then fixes the offset. */
  #joining = false;

  /** The latest timestamp sent; 0 before the first. */
  get latest(): number {
    return this.#latest;
  }

  /** A new source has sent no frame yet. */
  get isJoining(): boolean {
    return this.#joining;
  }

  /** A new source follows. */
  join(): void {
    this.#joining = this.#begun;
    this.#offset = 0;
  }

  /** What players get for a timestamp of the source. Until a new source's first frame is sent, all are put at its place. */
  place(timestamp: number): number {
    return this.#joining ? (this.#latest + JOIN_GAP_MS) >>> 0 : (timestamp + this.#offset) >>> 0;
  }

  /** A frame goes out under a timestamp that `place` gave for the source's own. */
  sent(timestamp: number, sourceTimestamp: number): void {
    if (this.#joining) {
      this.#joining = false;
      this.#offset = (timestamp - sourceTimestamp) >>> 0;
    }
    if (!this.#begun || ((timestamp - this.#latest) | 0) > 0) this.#latest = timestamp;
    this.#begun = true;
  }
}
