/** Allows `burst` events at once and `perSecond` after that. Has no clock: callers pass the time, in milliseconds. */
export class TokenBucket {
  #tokens: number;
  #atMs = -Infinity;

  constructor(
    private readonly burst: number,
    private readonly perSecond: number,
  ) {
    this.#tokens = burst;
  }

  /** Takes a token; false when there is none. */
  take(nowMs: number): boolean {
    // A clock that was set back adds nothing.
    const refill = (Math.max(0, nowMs - this.#atMs) / 1000) * this.perSecond;
    this.#tokens = Math.min(this.burst, this.#tokens + refill);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
