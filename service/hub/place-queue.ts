/**
 * A queue that gives each item a place number, by which the item can be found and taken out. Every operation takes
 * constant time on average: items behind one that leaves are not moved.
 */
export class PlaceQueue<T extends object> {
  /** Null: taken out, between two items that are still there. */
  readonly #items: (T | null)[] = [];
  /** Index of the first item; those before it have left. */
  #head = 0;
  /** The place number of `#items[0]`. */
  #offset = 0;

  /** The place of the first item. */
  get from(): number {
    return this.#offset + this.#head;
  }

  /** The place after the last item. */
  get to(): number {
    return this.#offset + this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[this.#head] ?? undefined;
  }

  get last(): T | undefined {
    return this.#items[this.#items.length - 1] ?? undefined;
  }

  /** From the first item to the last, including the places of those taken out between them. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Adds an item at the end; returns its place. */
  push(item: T): number {
    this.#items.push(item);
    return this.to - 1;
  }

  /** The item at a place; undefined when it has left. */
  at(place: number): T | undefined {
    return this.#items[place - this.#offset] ?? undefined;
  }

  /** Takes out the item at a place, which must be there. */
  takeOut(place: number): void {
    const items = this.#items;
    items[place - this.#offset] = null;
    while (items.length > this.#head && items[items.length - 1] === null) items.pop();
    while (this.#head < items.length && items[this.#head] === null) this.#head += 1;
    this.#compact();
  }

  /** Takes out all items. */
  clear(): void {
    this.#head = this.#items.length;
    this.#compact();
  }

  /** Moves the items to the front once most places before them are unused: each item pays for one move. */
  #compact(): void {
    if (this.#head === 0 || this.#head * 2 < this.#items.length) return;
    this.#items.copyWithin(0, this.#head);
    this.#items.length -= this.#head;
    this.#offset += this.#head;
    this.#head = 0;
  }
}
