/** A publisher that sends no audio or video for this long is silent (ms). */
const SILENT_MS = 3_000;

/**
 * Whether a stream that took its channel over keeps it: it does while its publisher sends. Otherwise two encoders with
 * one key, each of which reconnects when it is displaced, would displace each other for ever. An encoder whose network
 * has changed reconnects when its former connection is silent, and is accepted.
 */
export class TakeoverGuard {
  #keeps = true;
  #mediaAt = -1;
  #heardAt = 0;

  get keeps(): boolean {
    return this.#keeps;
  }

  /**
   * Checks when the publisher last sent audio or video; the first check counts as sending.
   *
   * @param mediaAt milliseconds, possibly of a different clock than `now`
   * @returns whether `keeps` has changed
   */
  look(mediaAt: number, now: number): boolean {
    if (mediaAt !== this.#mediaAt) {
      this.#mediaAt = mediaAt;
      this.#heardAt = now;
    }
    const keeps = now - this.#heardAt < SILENT_MS;
    if (keeps === this.#keeps) return false;
    this.#keeps = keeps;
    return true;
  }
}
