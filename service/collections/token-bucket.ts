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
    if (this.tokens(nowMs) < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Tokens that have been saved up; fewer than none are owed. */
  tokens(nowMs: number): number {
    // A clock that was set back adds nothing.
    const refill = (Math.max(0, nowMs - this.#atMs) / 1000) * this.perSecond;
    this.#tokens = Math.min(this.burst, this.#tokens + refill);
    this.#atMs = nowMs;
    return this.#tokens;
  }

  /** Takes tokens that need not be there: they are owed then. */
  spend(tokens: number, nowMs: number): void {
    this.#tokens = this.tokens(nowMs) - tokens;
  }
}
