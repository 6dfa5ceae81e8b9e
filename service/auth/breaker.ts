import type { Logger } from '../logging/logger';
import { type Clock, systemClock } from '../time/clock';

/** After this many failed requests in a row, the handler counts as down. */
const FAILURES_TO_OPEN = 5;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 15_000;

/** `answered`: the handler decided. `failed`: it could not. `unknown`: it was not asked. */
export type QuestionResult = 'answered' | 'failed' | 'unknown';

export interface BreakerOptions {
  readonly log: Logger;
  /** Called with true when the breaker opens and with false when it closes. */
  readonly changed?: (open: boolean) => void;
  readonly clock?: Clock;
  /** 0 <= x < 1, spreads the probes of several nodes. */
  readonly random?: () => number;
}

/** Permission for one request; `done` must be called exactly once. `failure` is the reason in words. */
export interface Attempt {
  done(result: QuestionResult, failure?: string): void;
}

/**
 * Circuit breaker for a callback handler that is down: after five failures in a row, requests are refused at once,
 * except one probe after a pause. The pause doubles with every failed probe up to 15 s (each up to half longer, at
 * random). The first answer closes the breaker, whichever request it belongs to.
 *
 * A handler may fail because of the request, and a stranger might cause that on purpose. So the address whose probe
 * failed has to wait twice as long for the next probe: requests of other addresses come first.
 */
export class Breaker {
  readonly #log: Logger;
  readonly #changed: (open: boolean) => void;
  readonly #clock: Clock;
  readonly #random: () => number;
  #failures = 0;
  #refused = 0;
  #openedAtMs = 0;
  /** While open: the pause before the next probe, and when it ends. */
  #pauseMs = 0;
  #probeAtMs = 0;
  /** The address group of the last probe. */
  #prober = '';
  #probing = false;

  constructor(options: BreakerOptions) {
    this.#log = options.log;
    this.#changed = options.changed ?? (() => undefined);
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  get isOpen(): boolean {
    return this.#pauseMs > 0;
  }

  /** Whether a request of this address group has to be refused now; if so, counts it. */
  refuses(group: string): boolean {
    if (!this.isOpen || this.#mayProbe(group)) return false;
    this.#refused += 1;
    return true;
  }

  /** Permission to ask now; undefined when the request has to be refused. */
  attempt(group: string): Attempt | undefined {
    if (this.refuses(group)) return undefined;
    if (!this.isOpen) return { done: (result, failure) => this.#record(result, failure) };
    this.#probing = true;
    this.#prober = group;
    return {
      done: (result, failure) => {
        this.#probing = false;
        if (result === 'failed' && this.isOpen) this.#pause(this.#pauseMs * 2);
        else this.#record(result, failure);
      },
    };
  }

  #mayProbe(group: string): boolean {
    if (this.#probing) return false;
    const waitMs = group === this.#prober ? this.#pauseMs : 0;
    return this.#clock.now() >= this.#probeAtMs + waitMs;
  }

  #record(result: QuestionResult, failure = ''): void {
    if (result === 'answered') {
      this.#failures = 0;
      if (this.isOpen) this.#close();
    } else if (result === 'failed') {
      this.#failures += 1;
      if (!this.isOpen && this.#failures >= FAILURES_TO_OPEN) this.#open(failure);
    }
  }

  #open(failure: string): void {
    this.#openedAtMs = this.#clock.now();
    this.#refused = 0;
    this.#prober = '';
    this.#pause(FIRST_PAUSE_MS);
    const message = 'The callback handler is down: publishers are told to try again, without asking it';
    this.#log.error(message, { failures: this.#failures, last: failure });
    this.#changed(true);
  }

  #close(): void {
    this.#pauseMs = 0;
    const seconds = Math.round((this.#clock.now() - this.#openedAtMs) / 1000);
    this.#log.info('The callback handler answers again', { seconds, refused: this.#refused });
    this.#changed(false);
  }

  #pause(pauseMs: number): void {
    this.#pauseMs = Math.min(MAX_PAUSE_MS, pauseMs);
    this.#probeAtMs = this.#clock.now() + this.#pauseMs * (1 + this.#random() / 2);
  }
}
