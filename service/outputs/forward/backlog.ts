/** Marks are at least this far apart (ms), so that few are needed. */
const MARK_MS = 100;
/** More than the longest backlog that is allowed has. */
const MARKS = 512;

/** How far a target is behind: how long ago the oldest byte was written that its socket still holds. */
export class Backlog {
  readonly #bytes = new Float64Array(MARKS);
  readonly #times = new Float64Array(MARKS);
  #first = 0;
  #count = 0;

  /** The batch that ends with this byte of the connection was written at this time (ms). */
  wrote(total: number, now: number): void {
    const last = (this.#first + this.#count - 1) % MARKS;
    if (this.#count > 0 && (now - this.#times[last]! < MARK_MS || this.#count === MARKS)) {
      this.#bytes[last] = total;
      return;
    }
    const next = (this.#first + this.#count) % MARKS;
    this.#bytes[next] = total;
    this.#times[next] = now;
    this.#count += 1;
  }

  /** Age of the oldest unsent byte (ms), when so many bytes of the connection have left. */
  age(sent: number, now: number): number {
    while (this.#count > 0 && this.#bytes[this.#first]! <= sent) {
      this.#first = (this.#first + 1) % MARKS;
      this.#count -= 1;
    }
    return this.#count === 0 ? 0 : now - this.#times[this.#first]!;
  }
}
