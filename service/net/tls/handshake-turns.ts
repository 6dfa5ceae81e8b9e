/**
 * Handshakes that begin before everything else has its turn. Each takes 1 to 2 ms, for which all streams wait, and costs
 * its client nothing but 200 bytes.
 */
const HANDSHAKES_PER_TURN = 4;

interface Waiting {
  readonly isOver: () => boolean;
  readonly begin: () => void;
}

/** Lets TLS handshakes begin, a few in each turn of the event loop, in the order in which they came. */
export class HandshakeTurns {
  readonly #waiting: Waiting[] = [];
  #begun = 0;
  #turnEnds = false;

  /** Calls `begin` in this turn or a later one, unless `isOver` by then. */
  take(isOver: () => boolean, begin: () => void): void {
    this.#waiting.push({ isOver, begin });
    this.#beginSome();
  }

  #beginSome(): void {
    while (this.#begun < HANDSHAKES_PER_TURN) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next.isOver()) continue;
      this.#begun += 1;
      if (!this.#turnEnds) {
        this.#turnEnds = true;
        setImmediate(() => this.#nextTurn());
      }
      next.begin();
    }
  }

  #nextTurn(): void {
    this.#turnEnds = false;
    this.#begun = 0;
    this.#beginSome();
  }
}
