/** How many bytes of all recordings may wait on the local disk. */
export class SpoolBudget {
  #used = 0;

  /** @param limit bytes */
  constructor(readonly limit: number) {}

  get used(): number {
    return this.#used;
  }

  get isFull(): boolean {
    return this.#used > this.limit;
  }

  add(bytes: number): void {
    this.#used += bytes;
  }

  remove(bytes: number): void {
    this.#used -= bytes;
  }
}
