/** A publisher that sends no audio or video for this long is silent (ms). */
const SILENT_MS = 3_000;

/**
 * Whether the publisher of a stream sends. One that took its channel over keeps it while it does: otherwise two encoders
 * with one key, each of which reconnects when it is displaced, would displace each other for ever. An encoder whose
 * network has changed reconnects when its former connection is silent, and is accepted.
 */
export class SilenceWatch {
  #sends = true;
  #mediaAt = -1;
  #heardAt = 0;

  get sends(): boolean {
    return this.#sends;
  }

  /**
   * Checks when the publisher last sent audio or video; the first check counts as sending.
   *
   * @param mediaAt milliseconds, possibly of a different clock than `now`
   * @returns whether `sends` has changed
   */
  look(mediaAt: number, now: number): boolean {
    if (mediaAt !== this.#mediaAt) {
      this.#mediaAt = mediaAt;
      this.#heardAt = now;
    }
    const sends = now - this.#heardAt < SILENT_MS;
    if (sends === this.#sends) return false;
    this.#sends = sends;
    return true;
  }
}
