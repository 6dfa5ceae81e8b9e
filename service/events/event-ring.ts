/** The newest items, at most `capacity`: a new one replaces the oldest. */
export class EventRing<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  /** Where the next item goes, once the ring is full. */
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(item: T): void {
    if (this.#items.length < this.#capacity) {
      this.#items.push(item);
      return;
    }
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** The oldest first. */
  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.#items.length; i += 1) yield this.#items[(this.#next + i) % this.#items.length]!;
  }
}
