/** Random numbers, the same for the same seed (xorshift128). */
export class Random {
  readonly #state: Uint32Array;

  constructor(seed: number) {
    this.#state = Uint32Array.of(seed | 1, 0x9e3779b9, 0x243f6a88, 0xb7e15162 ^ seed);
    for (let i = 0; i < 16; i += 1) this.next();
  }

  /** 32 bits. */
  next(): number {
    const state = this.#state;
    const first = state[0]!;
    let mixed = state[3]!;
    state[3] = state[2]!;
    state[2] = state[1]!;
    state[1] = first;
    mixed ^= mixed << 11;
    mixed ^= mixed >>> 8;
    state[0] = mixed ^ first ^ (first >>> 19);
    return state[0];
  }

  /** A whole number below `limit`, which is at least 1. */
  below(limit: number): number {
    return this.next() % limit;
  }

  /** One of the items, of which there is at least one. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
