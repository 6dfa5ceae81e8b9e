/** A measurement that took longer than the last one replaces it only when the last is this old (ms). */
const TRUSTED_MS = 300_000;

/**
 * This node's estimate of the registry server's time. Measured with TIME requests, because scripts may not read the
 * clock on every server. The error is at most half of the request's duration; changes of this machine's clock do not
 * matter.
 */
export class ServerClock {
  /** Until the first measurement, this machine's clock is used. */
  #offsetUs = performance.timeOrigin * 1000;
  #tookMs = Infinity;
  #measuredAt = -Infinity;

  /** Microseconds since the epoch, as text for a script. */
  now(): string {
    return String(Math.round(performance.now() * 1000 + this.#offsetUs));
  }

  /** @param ask gives the server's answer to TIME: seconds, and microseconds of the second */
  async measure(ask: () => Promise<unknown>): Promise<void> {
    const askedAt = performance.now();
    const answer = await ask();
    const answeredAt = performance.now();
    const [seconds, microseconds] = Array.isArray(answer) ? answer.map(Number) : [];
    if (seconds === undefined || microseconds === undefined || !Number.isSafeInteger(seconds * 1e6 + microseconds)) {
      throw new Error('not the answer to TIME');
    }
    const tookMs = answeredAt - askedAt;
    if (tookMs > this.#tookMs && answeredAt - this.#measuredAt < TRUSTED_MS) return;
    this.#offsetUs = seconds * 1e6 + microseconds - ((askedAt + answeredAt) / 2) * 1000;
    this.#tookMs = tookMs;
    this.#measuredAt = answeredAt;
  }

  /** Another server may answer from now on: any new measurement replaces the last one. */
  serverChanged(): void {
    this.#tookMs = Infinity;
  }
}
