/** So many at once, and so many a second from then on. Knows no clock: it is told the time, in milliseconds. */
export class TokenBucket {
  #tokens: number;
  #atMs = -Infinity;

  constructor(
    private readonly burst: number,
    private readonly perSecond: number,
  ) {
    this.#tokens = burst;
  }

  /** Whether there was one to take. */
  take(nowMs: number): boolean {
    // A clock that was set back gives nothing.
    const refill = (Math.max(0, nowMs - this.#atMs) / 1000) * this.perSecond;
    this.#tokens = Math.min(this.burst, this.#tokens + refill);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
