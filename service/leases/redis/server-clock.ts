/** A measurement that took longer than the last one replaces it only when the last is this old (ms). */
const TRUSTED_MS = 300_000;

/**
 * The time of the registry's server as this node knows it. Measured by asking, because scripts may not look at the clock
 * on every server; off by half of the time that asking took at most, and not at all moved by this machine's own clock.
 */
export class ServerClock {
  /** Until it is measured, this machine's clock stands for the server's. */
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

  /** Another server may answer from now on: what was measured is of no more use than a guess. */
  serverChanged(): void {
    this.#tookMs = Infinity;
  }
}
