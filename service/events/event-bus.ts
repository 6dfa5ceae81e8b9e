import { TokenBucket } from '../collections/token-bucket';
import type { Event, EventType } from '../http/api/schemas/event';
import type { Refusal } from '../http/api/schemas/refusal';
import { EventIds } from './event-ids';
import { EventRing } from './event-ring';
import type { Fact } from './fact';
import { RefusalBook, type RefusedPublish } from './refusal-book';
import { refusalSentence } from './refusal-words';

export interface EventBusOptions {
  /** Id of this node. */
  readonly node: () => string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export type EventListener = (event: Event) => void;

/** How many events of each kind are kept. */
const KEPT = 1_000;
/** Most events about attempts to publish: clients can make any number of attempts. */
const ATTEMPTS_BURST = 100;
const ATTEMPTS_PER_SECOND = 20;

/** Events are kept by kind, so that many of one kind do not push out those of another. */
type Kind = 'attempt' | 'measure' | 'life';

const KINDS: Readonly<Partial<Record<EventType, Kind>>> = {
  'publish.asked': 'attempt',
  'publish.refused': 'attempt',
  'stream.players': 'measure',
  'stream.health': 'measure',
};

/**
 * What happens on this node, for everybody who wants to know: the newest events, a count of refused publishes, and
 * listeners. Listeners are called at once, within the code that tells of an event; they must be quick and must not
 * throw. Never contains a stream key.
 */
export class EventBus {
  readonly #node: () => string;
  readonly #now: () => number;
  readonly #ids = new EventIds();
  readonly #rings: Readonly<Record<Kind, EventRing<Event>>> = {
    attempt: new EventRing(KEPT),
    measure: new EventRing(KEPT),
    life: new EventRing(KEPT),
  };
  readonly #refusals = new RefusalBook();
  readonly #attempts = new TokenBucket(ATTEMPTS_BURST, ATTEMPTS_PER_SECOND);
  readonly #listeners = new Set<EventListener>();

  #newest = '';

  constructor({ node, now = Date.now }: EventBusOptions) {
    this.#node = node;
    this.#now = now;
  }

  /** Tells of an event. Beyond 20 attempts to publish a second, events about further attempts are left out. */
  tell(fact: Fact): void {
    const now = this.#now();
    const kind = KINDS[fact.type] ?? 'life';
    if (kind === 'attempt' && !this.#attempts.take(now)) return;
    const event: Event = { id: this.#ids.next(now), at: new Date(now).toISOString(), node: this.#node(), ...fact };
    this.#newest = event.id;
    this.#rings[kind].add(event);
    for (const listener of this.#listeners) listener(event);
  }

  /** A publish was refused: counts it, and tells of the 1st, 2nd, 5th, 10th, 20th, 50th … of a client on a channel. */
  refused(refused: RefusedPublish): void {
    const { count, firstAt, lastAt } = this.#refusals.add(refused, this.#now());
    if (!isTold(count)) return;
    const sentence = refusalSentence(refused.code, refused.address, count, lastAt - firstAt);
    this.tell({ type: 'publish.refused', ...refused, count, firstAt: new Date(firstAt).toISOString(), sentence });
  }

  /** The newest first; of one channel, or of all. */
  refusals(channel?: string): Refusal[] {
    return this.#refusals.list(this.#node(), this.#now(), channel);
  }

  /** Id of the newest event; empty before the first. */
  get newest(): string {
    return this.#newest;
  }

  /** Kept events that are newer than the event with this id; all kept events without an id. The oldest first. */
  since(id = ''): Event[] {
    if (id === this.#newest) return [];
    const found: Event[] = [];
    for (const ring of Object.values(this.#rings)) for (const event of ring) if (event.id > id) found.push(event);
    return found.sort(byId);
  }

  /** The newest events of a channel, the newest first. */
  of(channel: string, limit: number): Event[] {
    return this.since()
      .filter((event) => 'channel' in event && event.channel === channel)
      .slice(-limit)
      .reverse();
  }

  /** Calls back with every event from now on, until the returned function is called. */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** 1, 2, 5, 10, 20, 50, 100 … */
function isTold(count: number): boolean {
  const leading = count / 10 ** Math.floor(Math.log10(count));
  return leading === 1 || leading === 2 || leading === 5;
}

function byId(a: Event, b: Event): number {
  return a.id < b.id ? -1 : 1;
}
