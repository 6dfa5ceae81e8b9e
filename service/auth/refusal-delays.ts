import { BoundedMap } from '../collections/bounded-map';
import { type Clock, systemClock } from '../time/clock';

/** The wait after the first refusal; doubled for each further refusal. */
const FIRST_WAIT_MS = 1_000;
/** Shorter than encoders wait for an answer to their publish: HaishinKit, in many phone apps, waits 3 s by default. */
const MAX_WAIT_MS = 2_000;
/** Refusals of an address for a channel are forgotten when there was none for this long. */
const FORGET_MS = 60_000;
/** Refusals on any channels that an address may cause without a wait, and how soon each is forgiven. */
const FREE_REFUSALS = 20;
const FORGIVE_MS = 1_000;
/** Beyond this the wait does not grow. */
const MAX_DEBT = FREE_REFUSALS + MAX_WAIT_MS / FORGIVE_MS;
/** Most entries of a table; the oldest are forgotten for new ones. */
const MAX_ENTRIES = 10_000;

/** The publisher that a question is about. */
export interface Asked {
  /** The address group that asks. */
  readonly group: string;
  readonly channel: string;
  readonly key: string;
}

interface Refusals {
  count: number;
  /** No question before this time. */
  untilMs: number;
  forgetAtMs: number;
}

/** How many refusals were not forgiven at `atMs`. */
interface Debt {
  refusals: number;
  atMs: number;
}

/**
 * How long a question has to wait because the handler has refused earlier ones of the same address: each guess of a key
 * takes seconds. Refusals count per address and channel, so that other clients behind the same NAT do not wait, and
 * with a far larger allowance per address, against trying one channel after another. A key that was accepted for its
 * channel never waits, so that its owner is not delayed by a neighbour who guesses.
 */
export class RefusalDelays {
  readonly #clock: Clock;
  readonly #refusals = new BoundedMap<string, Refusals>(MAX_ENTRIES);
  readonly #debts = new BoundedMap<string, Debt>(MAX_ENTRIES);
  readonly #acceptedKeys = new BoundedMap<string, true>(MAX_ENTRIES);

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Milliseconds, at most MAX_WAIT_MS; 0: no wait. */
  waitMs(asked: Asked): number {
    if (this.#acceptedKeys.has(keyName(asked))) return 0;
    const now = this.#clock.now();
    const channelMs = (this.#refusals.get(channelName(asked))?.untilMs ?? 0) - now;
    const addressMs = (this.#debt(asked.group) - FREE_REFUSALS) * FORGIVE_MS;
    return Math.min(MAX_WAIT_MS, Math.max(0, channelMs, addressMs));
  }

  /** The handler has given the key a final refusal. */
  refused(asked: Asked): void {
    const now = this.#clock.now();
    this.#acceptedKeys.delete(keyName(asked));
    const known = this.#refusals.get(channelName(asked));
    const count = (known !== undefined && known.forgetAtMs > now ? known.count : 0) + 1;
    const waitMs = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (count - 1));
    this.#refusals.set(channelName(asked), { count, untilMs: now + waitMs, forgetAtMs: now + waitMs + FORGET_MS });
    const refusals = Math.min(MAX_DEBT, this.#debt(asked.group) + 1);
    this.#debts.set(asked.group, { refusals, atMs: now });
  }

  accepted(asked: Asked): void {
    this.#refusals.delete(channelName(asked));
    this.#acceptedKeys.set(keyName(asked), true);
  }

  #debt(group: string): number {
    const debt = this.#debts.get(group);
    return debt === undefined ? 0 : Math.max(0, debt.refusals - (this.#clock.now() - debt.atMs) / FORGIVE_MS);
  }
}

/** Unambiguous, since names contain no control characters. */
function channelName({ group, channel }: Asked): string {
  return `${group}\n${channel}`;
}

function keyName({ channel, key }: Asked): string {
  return `${channel}\n${key}`;
}
