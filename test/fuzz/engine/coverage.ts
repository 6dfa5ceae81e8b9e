interface Counters {
  readonly counters: Uint32Array;
  /** How many of them there are. */
  readonly used: number;
  /** Literals of the instrumented sources. */
  readonly dictionary: readonly (string | number)[];
}

/** By how often a place was reached, a bit: reaching it more often counts as new only when it is much more often. */
const BUCKETS = Uint8Array.from({ length: 256 }, (_, count) => {
  if (count <= 3) return count === 0 ? 0 : 1 << (count - 1);
  return count < 8 ? 8 : count < 16 ? 16 : count < 32 ? 32 : count < 128 ? 64 : 128;
});

/** What executions have reached, by the counters that `instrument.mjs` has put into the sources. */
export class Coverage {
  readonly #made: Counters;
  readonly #seen = new Uint8Array(65_536);
  /** Places that were reached, each counted once for each bucket. */
  features = 0;
  /** Steps of the last execution: how often counters were passed. */
  steps = 0;

  constructor() {
    const made = (globalThis as { __fuzz?: Counters }).__fuzz;
    if (made === undefined) throw new Error('the sources were bundled without counters');
    this.#made = made;
  }

  get dictionary(): readonly (string | number)[] {
    return this.#made.dictionary;
  }

  /** Counters in the sources. */
  get places(): number {
    return this.#made.used;
  }

  /** Those of them that were reached. */
  get reached(): number {
    return this.#seen.reduce((sum, bits) => sum + (bits === 0 ? 0 : 1), 0);
  }

  reset(): void {
    this.#made.counters.fill(0, 0, this.#made.used);
  }

  /** Reads the counters of the execution that ended; whether it has reached something new. */
  collect(): boolean {
    const { counters, used } = this.#made;
    const seen = this.#seen;
    let steps = 0;
    let isNew = false;
    for (let i = 0; i < used; i += 1) {
      const count = counters[i]!;
      if (count === 0) continue;
      counters[i] = 0;
      steps += count;
      const bucket = count < 256 ? BUCKETS[count]! : 128;
      if ((seen[i]! & bucket) !== 0) continue;
      seen[i] = seen[i]! | bucket;
      this.features += 1;
      isNew = true;
    }
    this.steps = steps;
    return isNew;
  }
}
