/** A publisher that sends no audio or video for so long is silent (ms). */
const SILENT_MS = 3_000;

/**
 * Whether a stream that took its channel over from another one keeps it: it does so while its publisher sends. Otherwise
 * two encoders with one key, each of which tries again when it is displaced, would displace each other for ever. An
 * encoder whose network has changed comes back when its former connection has fallen silent, and is let in.
 */
export class TakeoverGuard {
  #keeps = true;
  #mediaAt = -1;
  #heardAt = 0;

  get keeps(): boolean {
    return this.#keeps;
  }

  /**
   * Looks at when the publisher last sent audio or video; the first look counts as sending.
   *
   * @param mediaAt milliseconds, as is `now`, but of a clock that may be another
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
