/** How long a measurement is the newer of the two before it becomes the older (ms). */
const LOOK_MS = 5_000;
/** A difference of up to this much between a stream's clock and real time is jitter (ms). */
const JITTER_MS = 1_000;

/**
 * Measures whether a stream arrives at the pace of its own clock. A faster stream is an upload, or catches up; a slower
 * one has too little bandwidth. Either way, much of it is still in the buffers of its sender's system.
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

  /** Whether the stream's clock has kept pace with real time over the last five to ten seconds. */
  get isSteady(): boolean {
    return Math.abs(this.#differenceMs) <= JITTER_MS;
  }
}

interface Look {
  readonly clock: number;
  readonly now: number;
}
