/** The clocks of publisher and machine may drift apart (ms): older observations than one or two of these are forgotten. */
const PERIOD_MS = 300_000;

/**
 * How far behind its publisher a stream is read: the time at which frames are read, less their own time, compared with
 * the least that was seen. A step back of the publisher's clock moves what was seen.
 */
export class LiveEdge {
  #before = Infinity;
  #present = Infinity;
  #periodFrom = 0;
  #lastTime = -Infinity;
  #lastReadAt = 0;

  /** How much more of the stream than was waited for can have been left out before a frame that is read now (ms). */
  get lagMs(): number {
    const least = Math.min(this.#before, this.#present);
    return least === Infinity ? 0 : Math.max(0, this.#lastReadAt - this.#lastTime - least);
  }

  /** @param time of the stream (ms) */
  note(time: number, readAt: number): void {
    const back = this.#lastTime - time;
    if (back > 0) {
      this.#before += back;
      this.#present += back;
    }
    if (readAt - this.#periodFrom > PERIOD_MS) {
      this.#before = this.#present;
      this.#present = Infinity;
      this.#periodFrom = readAt;
    }
    this.#present = Math.min(this.#present, readAt - time);
    this.#lastTime = time;
    this.#lastReadAt = readAt;
  }
}
