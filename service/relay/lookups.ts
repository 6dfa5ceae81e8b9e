import { BoundedMap } from '../collections/bounded-map';
import { TokenBucket } from '../collections/token-bucket';
import type { Lease, NodeAddress, LeaseRegistry } from '../leases/lease-registry';

/** Where a channel is published. */
export interface Location {
  readonly lease: Lease;
  readonly owner: NodeAddress;
}

/** A channel that nobody published a moment ago is not asked about again so soon, unless a change is told (ms). */
const NOBODY_MS = 500;
const MAX_REMEMBERED = 10_000;
/** Look-ups of this node, all together: a thousand channels that wait for a publisher are asked about every few seconds. */
const BURST = 500;
const PER_SECOND = 250;

interface Question {
  readonly answer: Promise<Location | undefined>;
  /** When it was answered that nobody has the channel; Infinity while the answer is awaited. */
  nobodyUntil: number;
}

/**
 * Asks the registry where channels are published, as seldom as will do. Whoever may play can name any channel as often
 * as a connection carries: what that makes this node ask is bounded, and one answer serves all who ask at once.
 */
export class Lookups {
  readonly #questions = new BoundedMap<string, Question>(MAX_REMEMBERED);
  readonly #bucket = new TokenBucket(BURST, PER_SECOND);

  constructor(
    private readonly registry: Pick<LeaseRegistry, 'locate'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** undefined when nobody has the channel; `later` when there have been too many questions. */
  locate(channel: string): Promise<Location | undefined> | 'later' {
    const known = this.#questions.get(channel);
    if (known !== undefined && known.nobodyUntil > this.now()) return known.answer;
    if (!this.#bucket.take(this.now())) return 'later';
    const answer = this.registry.locate(channel);
    const question: Question = { answer, nobodyUntil: Infinity };
    this.#questions.set(channel, question);
    const answered = (found?: Location): void => {
      question.nobodyUntil = this.now() + NOBODY_MS;
      if (found !== undefined && this.#questions.get(channel) === question) this.#questions.delete(channel);
    };
    answer.then(answered, () => answered());
    return answer;
  }

  /** Something happened to the channel: what was asked before counts no more. */
  changed(channel: string): void {
    this.#questions.delete(channel);
  }
}
