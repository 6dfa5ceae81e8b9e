import { messageOf } from '../../errors/error-text';
import type { Event, EventType } from '../../http/api/schemas/event';
import type { Logger } from '../../logging/logger';
import { FaultRateLimit } from '../../logging/rate-limit';
import { type Clock, systemClock } from '../../time/clock';

/**
 * What became of events that were sent. `retry`: they may be sent again, not before `afterMs`. `gone`: the receiver
 * wants no events any more.
 */
export type Sending =
  | { readonly result: 'sent' }
  | { readonly result: 'retry'; readonly reason: string; readonly afterMs?: number | undefined }
  | { readonly result: 'gone'; readonly reason: string };

export interface EventOutboxOptions {
  /** Of the receiver, for the log. */
  readonly name: string;
  /** Most events of one sending. */
  readonly batch: number;
  /** Sends events, with a time limit of its own. A rejection counts as `retry`. */
  readonly send: (events: readonly Event[]) => Promise<Sending>;
  readonly log: Logger;
  readonly clock?: Clock;
  /** 0 <= x < 1, spreads the retries. */
  readonly random?: () => number;
  /** Most events that wait (some 5 MB); beyond that the oldest is dropped. Default 10,000. */
  readonly capacity?: number;
}

/** Each viewer that comes and each attempt to publish would be an event: whoever wants these reads them at the API. */
const LEFT_OUT: ReadonlySet<EventType> = new Set(['publish.asked', 'stream.players']);

const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 300_000;
/** Most sendings at once. */
const CONCURRENCY = 4;
/** An event is given up after this long (ms); Standard Webhooks advises several days. */
const GIVE_UP_MS = 3 * 24 * 3_600_000;

interface Waiting {
  readonly events: readonly Event[];
  readonly since: number;
  failures: number;
}

/**
 * Sends events to a receiver outside: at least once while this process runs, in no strict order. A receiver that is away
 * or slow costs memory up to the bound, then its oldest events; streams never wait for it.
 */
export class EventOutbox {
  readonly #options: Required<EventOutboxOptions>;
  readonly #faults: FaultRateLimit;
  /** Events that have not been sent yet, the oldest first. */
  readonly #fresh: Event[] = [];
  /** Failed sendings, each with the function that cancels its retry. */
  readonly #retries = new Map<Waiting, () => void>();
  /** Events in failed sendings. */
  #retrying = 0;
  /** Events that are being sent, and the number of sendings. */
  #sending = 0;
  #active = 0;
  #isGone = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: EventOutboxOptions) {
    this.#options = { clock: systemClock, random: Math.random, capacity: 10_000, ...options };
    this.#faults = new FaultRateLimit(options.log);
  }

  /** Returns at once and never throws. */
  add(event: Event): void {
    if (this.#isGone || LEFT_OUT.has(event.type)) return;
    // The node itself tells of its coming and going; the others' reports of the same would repeat it.
    if ('subject' in event && event.type !== 'node.left' && event.subject !== event.node) return;
    this.#makeRoom();
    this.#fresh.push(event);
    this.#sendNext();
  }

  /** Waits until all events are sent, `deadlineMs` at most; drops the rest. */
  async close(deadlineMs: number): Promise<void> {
    const { clock } = this.#options;
    for (const [waiting, cancel] of this.#retries) {
      cancel();
      this.#retries.delete(waiting);
      this.#dispatch(waiting);
    }
    if (this.#size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = clock.setTimeout(resolve, deadlineMs);
        this.#onEmpty = () => {
          cancel();
          resolve();
        };
      });
    }
    if (this.#size > 0) this.#options.log.warning(`${this.#size} events were not sent to ${this.#options.name}`);
    this.#empty();
    this.#faults.close();
  }

  get #size(): number {
    return this.#fresh.length + this.#retrying + this.#sending;
  }

  #makeRoom(): void {
    const { capacity, name } = this.#options;
    if (this.#fresh.length + this.#retrying < capacity) return;
    const [oldest] = this.#retries;
    if (oldest) {
      const [waiting, cancel] = oldest;
      cancel();
      this.#retries.delete(waiting);
      this.#retrying -= waiting.events.length;
    } else {
      this.#fresh.shift();
    }
    this.#faults.report('warning', 'full', `Events are dropped: more than ${capacity} wait to be sent to ${name}`);
  }

  #sendNext(): void {
    const { batch, clock } = this.#options;
    while (this.#fresh.length > 0 && this.#active < CONCURRENCY && !this.#isGone) {
      this.#dispatch({ events: this.#fresh.splice(0, batch), since: clock.now(), failures: 0 }, true);
    }
  }

  #dispatch(waiting: Waiting, isFresh = false): void {
    const { length } = waiting.events;
    if (!isFresh) this.#retrying -= length;
    this.#sending += length;
    this.#active += 1;
    void this.#attempt(waiting).then((sending) => {
      this.#active -= 1;
      this.#sending -= length;
      this.#settle(waiting, sending);
      this.#sendNext();
      if (this.#size === 0) this.#onEmpty?.();
    });
  }

  async #attempt({ events }: Waiting): Promise<Sending> {
    try {
      return await this.#options.send(events);
    } catch (error) {
      return { result: 'retry', reason: messageOf(error) };
    }
  }

  #settle(waiting: Waiting, sending: Sending): void {
    const { name, clock, random, log } = this.#options;
    if (sending.result === 'sent' || this.#isGone) return;
    if (sending.result === 'gone') {
      this.#isGone = true;
      this.#empty();
      log.warning(`No more events are sent to ${name}: ${sending.reason}`);
      return;
    }
    if (clock.now() - waiting.since > GIVE_UP_MS) {
      this.#faults.report('warning', 'lost', `Events were not taken by ${name} and are dropped: ${sending.reason}`);
      return;
    }
    this.#faults.report(
      'warning',
      'retry',
      `Events could not be sent to ${name}, they are sent again: ${sending.reason}`,
    );
    waiting.failures += 1;
    this.#retrying += waiting.events.length;
    const backoffMs = Math.min(MAX_RETRY_MS / 2, MIN_RETRY_MS * 2 ** (waiting.failures - 1)) * (1 + random());
    const retry = (): void => {
      this.#retries.delete(waiting);
      this.#dispatch(waiting);
    };
    this.#retries.set(waiting, clock.setTimeout(retry, Math.max(backoffMs, sending.afterMs ?? 0)));
  }

  #empty(): void {
    for (const cancel of this.#retries.values()) cancel();
    this.#retries.clear();
    this.#retrying = 0;
    this.#fresh.length = 0;
    this.#onEmpty?.();
  }
}
