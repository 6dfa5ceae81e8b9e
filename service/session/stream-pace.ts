/** How long the newer of the two looks is kept before it becomes the older one (ms). */
const LOOK_MS = 5_000;
/** A stream's clock may differ so much from the time that passed without meaning anything: jitter (ms). */
const JITTER_MS = 1_000;

/**
 * Whether a stream comes in at the pace of its own clock. One that is faster is an upload, or catches up; one that is
 * slower has too narrow a way. Either way much of it is still on its way, in the buffers of its sender's system.
 */
export class StreamPace {
  #older: Look | undefined;
  #newer: Look | undefined;
  #differenceMs = 0;

  /** To be called about once a second with the stream's newest timestamp (ms, 32 bit). */
  look(clock: number, now: number): void {
    const look = { clock, now };
    this.#older ??= look;
    this.#newer ??= look;
    if (now - this.#newer.now >= LOOK_MS) {
      this.#older = this.#newer;
      this.#newer = look;
    }
    this.#differenceMs = ((clock - this.#older.clock) | 0) - (now - this.#older.now);
  }

  /** Over the last five to ten seconds the clock and the time ran together. */
  get isSteady(): boolean {
    return Math.abs(this.#differenceMs) <= JITTER_MS;
  }
}

interface Look {
  readonly clock: number;
  readonly now: number;
}
