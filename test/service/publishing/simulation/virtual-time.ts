interface Due {
  readonly at: number;
  readonly act: () => void;
}

/** A clock that stands still between events, and random numbers that are the same for the same seed. */
export class VirtualTime {
  /** Milliseconds since the epoch. */
  now = 1_000_000;
  #due: Due[] = [];
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Calls back once after `delayMs`; those due at the same time in the order in which they were asked for. */
  after(delayMs: number, act: () => void): () => void {
    const due = { at: this.now + Math.max(0, delayMs), act };
    let place = this.#due.length;
    while (place > 0 && this.#due[place - 1]!.at > due.at) place -= 1;
    this.#due.splice(place, 0, due);
    return () => {
      const at = this.#due.indexOf(due);
      if (at >= 0) this.#due.splice(at, 1);
    };
  }

  /** Runs what is due until then. */
  runUntil(end: number): void {
    for (let next = this.#due[0]; next !== undefined && next.at <= end; next = this.#due[0]) {
      this.#due.shift();
      this.now = next.at;
      next.act();
    }
    this.now = Math.max(this.now, end);
  }

  /** 0 <= x < 1 (mulberry32). */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let x = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  }

  between(min: number, max: number): number {
    return min + this.random() * (max - min);
  }
}
