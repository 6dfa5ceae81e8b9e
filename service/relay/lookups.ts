import { BoundedMap } from '../collections/bounded-map';
import { TokenBucket } from '../collections/token-bucket';
import type { LifeStore, Location } from '../leases/life-store';
import { type MonotonicClock, monotonicNow } from '../time/clock';

/** How long the answer that nobody publishes a channel is reused, unless the registry announces a change (ms). */
const NOBODY_MS = 500;
const MAX_REMEMBERED = 10_000;
/**
 * Limits of all look-ups of this node: a thousand channels that wait for a publisher are looked up every few seconds.
 */
const BURST = 500;
const PER_SECOND = 250;

interface Question {
  readonly answer: Promise<Location | undefined>;
  /** Until when the answer that nobody has the channel is reused; Infinity while the answer is awaited. */
  nobodyUntil: number;
}

/**
 * Asks the store of lives where channels are published. Players can name any channel at any rate, so the number of look-ups
 * is limited, and one answer serves all who ask at the same time.
 */
export class Lookups {
  readonly #questions = new BoundedMap<string, Question>(MAX_REMEMBERED);
  readonly #bucket = new TokenBucket(BURST, PER_SECOND);
  readonly #store: Pick<LifeStore, 'locate'>;
  readonly #now: MonotonicClock;

  constructor(store: Pick<LifeStore, 'locate'>, now: MonotonicClock = monotonicNow) {
    this.#store = store;
    this.#now = now;
  }

  /** undefined when nobody has the channel; `later` when there have been too many look-ups. */
  locate(channel: string): Promise<Location | undefined> | 'later' {
    const known = this.#questions.get(channel);
    if (known !== undefined && known.nobodyUntil > this.#now()) return known.answer;
    if (!this.#bucket.take(this.#now())) return 'later';
    const answer = this.#store.locate(channel);
    const question: Question = { answer, nobodyUntil: Infinity };
    this.#questions.set(channel, question);
    const answered = (found?: Location): void => {
      question.nobodyUntil = this.#now() + NOBODY_MS;
      if (found !== undefined && this.#questions.get(channel) === question) this.#questions.delete(channel);
    };
    answer.then(answered, () => answered());
    return answer;
  }

  /**
   * Like `locate`, but does not reuse the answer that nobody has the channel: for a player that is refused on that
   * answer, instead of waiting for a change.
   */
  locateNow(channel: string): Promise<Location | undefined> | 'later' {
    const isAsked = this.#questions.get(channel)?.nobodyUntil === Infinity;
    if (!isAsked) this.#questions.delete(channel);
    return this.locate(channel);
  }

  /** The channel has changed: forgets the earlier answer. */
  changed(channel: string): void {
    this.#questions.delete(channel);
  }
}
