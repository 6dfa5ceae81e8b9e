/** Tracks of a file whose times are kept apart. */
export const Track = { Audio: 0, Video: 1 } as const;

/** A larger step (ms) back within a track, or ahead of the file, is a jump of the publisher's clock. */
const MAX_BACK_MS = 1_000;
const MAX_AHEAD_MS = 10_000;
/** How far behind the other track (ms) a track may begin. */
const MAX_LATE_MS = 5_000;

/**
 * Turns the stream's time into the time of a file, which begins at zero. Where the publisher's clock jumps, the file's
 * time continues, and `hasJumped` says so: the file is still right when it has to wait for a keyframe to end.
 */
export class FileClock {
  /** The latest time in the file (ms). */
  now = 0;
  hasJumped = false;
  #zero = 0;
  readonly #zeros = [0, 0];
  readonly #last = [-1, -1];
  #extra = 0;

  /** @param zero the stream's time that becomes 0 (ms) */
  begin(zero: number): void {
    this.now = 0;
    this.hasJumped = false;
    this.#zero = zero;
    this.#zeros.fill(zero);
    this.#last.fill(-1);
    this.#extra = 0;
  }

  /** The next frame may be later by this much (ms) than it usually may: nothing was sent meanwhile. */
  allowStep(ms: number): void {
    this.#extra += ms;
  }

  /** The file's time of a frame. */
  place(track: number, timestamp: number): number {
    const last = this.#last[track]!;
    let time = timestamp - this.#zeros[track]!;
    if (this.#isJump(time, last)) {
      const common = timestamp - this.#zero;
      if (this.#isJump(common, last)) {
        // The first frame of a track that has another clock is no jump.
        this.hasJumped ||= last >= 0;
        this.#zeros[track] = timestamp - this.now;
        time = this.now;
      } else {
        this.#zeros[track] = this.#zero;
        time = common;
      }
    }
    time = Math.max(0, time);
    this.#last[track] = time;
    if (time > this.now) {
      this.now = time;
      this.#extra = 0;
    }
    return time;
  }

  /** The file's time of a message whose timestamp means little, such as a header's. */
  placeLoosely(timestamp: number): number {
    const time = timestamp - this.#zero;
    return time < this.now - MAX_BACK_MS || time > this.now + MAX_AHEAD_MS ? this.now : Math.max(0, time);
  }

  #isJump(time: number, last: number): boolean {
    if (time > this.now + MAX_AHEAD_MS + this.#extra) return true;
    return last < 0 ? time < this.now - MAX_LATE_MS : time < last - MAX_BACK_MS;
  }
}
