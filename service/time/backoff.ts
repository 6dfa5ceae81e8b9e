/** Pauses between attempts: each up to twice as long as the one before, with jitter so that many do not retry at once. */
export class Backoff {
  #failures = 0;

  /**
   * @param firstMs longest first pause
   * @param maxMs longest pause
   * @param random 0 <= x < 1
   */
  constructor(
    readonly firstMs: number,
    readonly maxMs: number,
    readonly random: () => number = Math.random,
  ) {}

  /** The next pause (ms): between half of its longest and its longest. */
  next(): number {
    const longest = Math.min(this.maxMs, this.firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return longest * (0.5 + 0.5 * this.random());
  }

  /** An attempt has succeeded. */
  reset(): void {
    this.#failures = 0;
  }
}
