/** Measurements of the past, oldest first; when it is full, a new one replaces the oldest. */
export class History {
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  #next = 0;
  #size = 0;

  /** @param capacity the most measurements that it keeps */
  constructor(capacity: number) {
    this.#times = new Float64Array(capacity);
    this.#values = new Float64Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** @param time ms since 1970 @param value NaN: not known at this time */
  add(time: number, value: number): void {
    this.#times[this.#next] = time;
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#times.length;
    this.#size = Math.min(this.#size + 1, this.#times.length);
  }

  /** From the oldest measurement to the newest. */
  forEach(visit: (value: number, time: number) => void): void {
    const { length } = this.#times;
    for (let index = 0; index < this.#size; index += 1) {
      const at = (this.#next - this.#size + index + length) % length;
      visit(this.#values[at]!, this.#times[at]!);
    }
  }
}
