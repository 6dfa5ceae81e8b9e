import { type Clock, systemClock } from '../time/clock';

export interface QuestionQueueOptions {
  /** Most questions in progress at once. */
  readonly places: number;
  /** Most questions that wait for a place, of all addresses. */
  readonly maxWaiting: number;
  /** Most questions of one address that wait for a place. */
  readonly maxWaitingPerAddress: number;
  readonly clock?: Clock;
}

/** Gives the place back; to be called once. */
export type Release = () => void;

/** Why there is no place: the queue is full, no place came free in time, or the publisher has left. */
export type NoPlace = 'full' | 'late' | 'gone';

interface Waiting {
  start(): void;
}

/** The questions of one address, in progress and waiting. */
interface Share {
  readonly group: string;
  out: number;
  readonly waiting: Set<Waiting>;
  /** Most questions it may have in progress, as its last question said. */
  limit: number;
}

/**
 * Places for questions (start requests) to the callback handler. Each address has a share, which a question uses until
 * it is answered, even if its publisher has left. Questions beyond a share, or beyond all places, wait; places that
 * come free go to the addresses in turn.
 */
export class QuestionQueue {
  readonly #options: Required<QuestionQueueOptions>;
  readonly #shares = new Map<string, Share>();
  /** Shares with a waiting question and a free place, in the order of their turns. */
  readonly #ready = new Set<Share>();
  #out = 0;
  #waiting = 0;

  constructor(options: QuestionQueueOptions) {
    this.#options = { clock: systemClock, ...options };
  }

  /** Questions in progress. */
  get out(): number {
    return this.#out;
  }

  /** Questions that wait for a place. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Takes a place, or waits for one.
   *
   * @param group the address group that the question is charged to
   * @param limit most questions that this group may have in progress
   */
  async take(group: string, limit: number, timeoutMs: number, signal: AbortSignal): Promise<Release | NoPlace> {
    if (signal.aborted) return 'gone';
    const share = this.#shares.get(group) ?? { group, out: 0, waiting: new Set(), limit };
    share.limit = limit;
    if (share.waiting.size === 0 && share.out < limit && this.#out < this.#options.places) return this.#start(share);
    const { maxWaiting, maxWaitingPerAddress } = this.#options;
    if (this.#waiting >= maxWaiting || share.waiting.size >= maxWaitingPerAddress) return 'full';
    return this.#wait(share, timeoutMs, signal);
  }

  #wait(share: Share, timeoutMs: number, signal: AbortSignal): Promise<Release | NoPlace> {
    return new Promise((resolve) => {
      const settle = (result: Release | NoPlace): void => {
        cancelTimeout();
        signal.removeEventListener('abort', onAbort);
        resolve(result);
      };
      const giveUp = (why: NoPlace): void => {
        this.#remove(share, entry);
        settle(why);
      };
      const onAbort = (): void => giveUp('gone');
      const cancelTimeout = this.#options.clock.setTimeout(() => giveUp('late'), timeoutMs);
      signal.addEventListener('abort', onAbort, { once: true });
      const entry: Waiting = { start: () => settle(this.#start(share)) };
      share.waiting.add(entry);
      this.#waiting += 1;
      this.#shares.set(share.group, share);
      this.#getReady(share);
      // There may be room after a limit was raised or others gave up.
      this.#startReady();
    });
  }

  #start(share: Share): Release {
    share.out += 1;
    this.#out += 1;
    this.#shares.set(share.group, share);
    return () => {
      share.out -= 1;
      this.#out -= 1;
      this.#getReady(share);
      this.#startReady();
      this.#tidy(share);
    };
  }

  #startReady(): void {
    for (const share of this.#ready) {
      if (this.#out >= this.#options.places) return;
      const [next] = share.waiting;
      this.#ready.delete(share);
      if (next === undefined) continue;
      this.#remove(share, next);
      next.start();
      // At the end of the order: other addresses come first.
      this.#getReady(share);
    }
  }

  #getReady(share: Share): void {
    if (share.waiting.size > 0 && share.out < share.limit) this.#ready.add(share);
  }

  #remove(share: Share, entry: Waiting): void {
    share.waiting.delete(entry);
    this.#waiting -= 1;
    if (share.waiting.size === 0) this.#ready.delete(share);
    this.#tidy(share);
  }

  #tidy(share: Share): void {
    if (share.out === 0 && share.waiting.size === 0) this.#shares.delete(share.group);
  }
}
