/** Parts that may begin in quick succession, such as when a publisher tries several settings. */
const MAX_SAVED = 20;
/** After these, one part may begin in this time (ms), unless the settings ask for shorter parts. */
const PART_EVERY_MS = 10_000;

/**
 * How many files a recording may begin: a publisher whose codec or clock changes with every keyframe would otherwise
 * make a file each time.
 */
export class PartBudget {
  readonly #everyMs: number;
  #left = MAX_SAVED;
  #countedAt: number | undefined;

  /** @param partMs the length of parts in the settings (ms); 0: as long as the stream */
  constructor(partMs: number) {
    this.#everyMs = partMs > 0 ? Math.min(PART_EVERY_MS, partMs / 2) : PART_EVERY_MS;
  }

  /** @param now wall clock (ms); it may step */
  mayBegin(now: number): boolean {
    const passed = Math.max(0, now - (this.#countedAt ?? now));
    this.#left = Math.min(MAX_SAVED, this.#left + passed / this.#everyMs);
    this.#countedAt = now;
    return this.#left >= 1;
  }

  /** A file has begun. */
  take(): void {
    this.#left -= 1;
  }
}
