import type { Fact } from '../../events/fact';
import type { FromProgram } from './messages';

/** More facts than this do not wait for the node: the oldest counts as not told. */
const MAX_WAITING = 1_000;

interface WaitingFact {
  readonly fact: Fact;
  readonly done: (isTold: boolean) => void;
}

/**
 * Facts that the node has to confirm. They are sent again with each new link until it does. What they tell of is kept
 * on disk until then, so that a later program can tell it if this one ends first.
 */
export class ConfirmedFacts {
  readonly #link: { readonly isOpen: boolean; send(message: FromProgram): void };
  readonly #waiting = new Map<number, WaitingFact>();
  #last = 0;
  #isLeaving = false;

  constructor(link: { readonly isOpen: boolean; send(message: FromProgram): void }) {
    this.#link = link;
  }

  /** @returns whether the node has the fact; false: this program ends without knowing that */
  tell(fact: Fact): Promise<boolean> {
    if (this.#isLeaving && !this.#link.isOpen) return Promise.resolve(false);
    this.#last += 1;
    const number = this.#last;
    return new Promise((done) => {
      this.#waiting.set(number, { fact, done });
      if (this.#link.isOpen) this.#send(number, fact);
      const [oldest] = this.#waiting.keys();
      if (this.#waiting.size > MAX_WAITING) this.#settle(oldest!, false);
    });
  }

  confirmed(number: number): void {
    this.#settle(number, true);
  }

  /** A new link: what the node has not confirmed is sent again. */
  opened(): void {
    for (const [number, { fact }] of this.#waiting) this.#send(number, fact);
  }

  lost(): void {
    if (this.#isLeaving) this.giveUp();
  }

  /** This program ends: it does not wait for another link. */
  leave(): void {
    this.#isLeaving = true;
    if (!this.#link.isOpen) this.giveUp();
  }

  giveUp(): void {
    this.#isLeaving = true;
    for (const number of [...this.#waiting.keys()]) this.#settle(number, false);
  }

  #send(number: number, fact: Fact): void {
    this.#link.send({ kind: 'fact', number, fact });
  }

  #settle(number: number, isTold: boolean): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    waiting?.done(isTold);
  }
}
