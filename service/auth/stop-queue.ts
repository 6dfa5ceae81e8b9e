import { messageOf } from '../errors/error-text';
import type { Logger } from '../logging/logger';
import { type Clock, systemClock } from '../time/clock';
import type { DueStops, StopRecord } from './stop-record';

const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
const DRAIN_RETRY_MS = 250;
/** Most attempts at once. */
export const STOP_CONCURRENCY = 16;

export type StopDelivery = { readonly delivered: true } | { readonly delivered: false; readonly reason: string };

export interface StopQueueOptions {
  /**
   * One attempt, with a time limit; `isRetry`: an earlier attempt has failed. A rejection counts as a failed attempt.
   */
  deliver(stop: StopRecord, signal: AbortSignal, isRetry: boolean): Promise<StopDelivery>;
  readonly log: Logger;
  readonly due: DueStops;
  /** Other nodes deliver the stops that are pending when this process ends; default: they are lost. */
  readonly outlivesProcess?: boolean;
  readonly clock?: Clock;
  /** 0 <= x < 1, spreads the retries. */
  readonly random?: () => number;
  /** How long a stop is retried; default 24 hours. */
  readonly retryForMs?: number;
  /** Most stops that are taken from where they are kept; default 1,000 (some 1 MB). The others wait there. */
  readonly maxPending?: number;
  /** Most attempts at once; default 16. */
  readonly concurrency?: number;
  /** Most attempts at once during the drain, when time matters more than the handler's load; default 256. */
  readonly drainConcurrency?: number;
}

interface PendingStop {
  readonly stop: StopRecord;
  readonly giveUpAtMs: number;
  failures: number;
  /** Why the last attempt failed. */
  lastFailure?: string;
  /** Set while waiting for the next attempt. */
  cancelRetry?: (() => void) | undefined;
  /** Set during an attempt. */
  attempt?: AbortController | undefined;
}

/**
 * Delivers stop events at least once: pulls those that are due in batches, as far as it has room, and retries each with
 * exponential backoff and jitter until it is answered with 200. A stop is identified by its `jti`.
 */
export class StopQueue {
  readonly #options: Required<StopQueueOptions>;
  /** By `jti`, oldest first. */
  readonly #pending = new Map<string, PendingStop>();
  /** Stops that only wait for a free place, in the order in which they became due. */
  readonly #due = new Set<PendingStop>();
  #attempts = 0;
  /** How many pending stops have failed before; 0 ends an outage. */
  #retrying = 0;
  #expected = 0;
  #pulling = false;
  /** There may be stops that have not been pulled. */
  #mayBeMore = false;
  #state: 'open' | 'draining' | 'closed' = 'open';
  #drained: Promise<number> | undefined;
  #endDrain: (() => void) | undefined;

  constructor(options: StopQueueOptions) {
    this.#options = {
      clock: systemClock,
      random: Math.random,
      outlivesProcess: false,
      retryForMs: 24 * 3_600_000,
      maxPending: 1_000,
      concurrency: STOP_CONCURRENCY,
      drainConcurrency: 256,
      ...options,
    };
  }

  /** How many stops have been pulled and not been delivered yet. */
  get size(): number {
    return this.#pending.size;
  }

  /** There may be stops to pull. Returns at once and never throws. */
  wake(): void {
    this.#mayBeMore = true;
    void this.#pull();
  }

  /**
   * Announces that a stop may become due, so that `drain` waits for it. Call the returned function once it is
   * decided.
   */
  expect(): () => void {
    this.#expected += 1;
    return () => {
      this.#expected -= 1;
      this.#endDrainWhenDone();
    };
  }

  /**
   * Sends all pending stops at once and retries after short pauses, for at most `deadlineMs`; then closes the queue.
   * Resolves to the number of stops that were not delivered. Later calls share the first call's result.
   */
  drain(deadlineMs: number): Promise<number> {
    this.#drained ??= new Promise((resolve) => {
      this.#state = 'draining';
      const cancelDeadline = this.#options.clock.setTimeout(() => this.#endDrain?.(), deadlineMs);
      this.#endDrain = () => {
        cancelDeadline();
        this.#close();
        resolve(this.#pending.size);
      };
      for (const entry of this.#pending.values()) {
        if (entry.cancelRetry) {
          entry.cancelRetry();
          this.#makeDue(entry);
        }
      }
      this.#startDue();
      this.wake();
    });
    return this.#drained;
  }

  #endDrainWhenDone(): void {
    const isEmpty = this.#pending.size === 0 && !this.#pulling && !this.#mayBeMore;
    if (this.#state === 'draining' && isEmpty && this.#expected === 0) {
      this.#endDrain?.();
    }
  }

  #close(): void {
    this.#state = 'closed';
    this.#due.clear();
    for (const entry of this.#pending.values()) {
      entry.cancelRetry?.();
      entry.attempt?.abort();
      this.#reportLeft(entry.stop, entry.lastFailure);
    }
  }

  #makeDue(entry: PendingStop): void {
    entry.cancelRetry = undefined;
    this.#due.add(entry);
    this.#startDue();
  }

  #startDue(): void {
    const places = this.#state === 'draining' ? this.#options.drainConcurrency : this.#options.concurrency;
    for (const entry of this.#due) {
      if (this.#attempts >= places) {
        return;
      }
      this.#due.delete(entry);
      void this.#attempt(entry);
    }
  }

  async #attempt(entry: PendingStop): Promise<void> {
    const attempt = new AbortController();
    entry.attempt = attempt;
    this.#attempts += 1;
    let result: StopDelivery;
    try {
      result = await this.#options.deliver(entry.stop, attempt.signal, entry.failures > 0);
    } catch (error) {
      result = { delivered: false, reason: messageOf(error) };
    }
    this.#attempts -= 1;
    entry.attempt = undefined;
    if (this.#state === 'closed') {
      return;
    }
    // Unless the stop was given up meanwhile.
    if (this.#pending.get(entry.stop.jti) === entry) {
      if (result.delivered) {
        this.#settle(entry);
      } else {
        this.#handleFailure(entry, result.reason);
      }
    }
    if (this.#pending.size <= this.#options.maxPending / 2) void this.#pull();
    this.#startDue();
    this.#endDrainWhenDone();
  }

  #handleFailure(entry: PendingStop, reason: string): void {
    const { clock, log, random } = this.#options;
    if (clock.now() >= entry.giveUpAtMs) {
      this.#settle(entry);
      this.#reportLost(entry.stop, `given up after ${entry.failures + 1} attempts, the last failed: ${reason}`);
      return;
    }
    entry.failures += 1;
    entry.lastFailure = reason;
    if (entry.failures === 1) {
      this.#retrying += 1;
      if (this.#retrying === 1) {
        // One line for an outage, however many streams end during it.
        log.warning(`Stop callback failed, it is retried: ${reason}`, describeStop(entry.stop));
      }
    }
    log.debug(`Stop callback attempt ${entry.failures} failed: ${reason}`, describeStop(entry.stop));
    const backoffMs = Math.min(MAX_RETRY_MS / 2, MIN_RETRY_MS * 2 ** (entry.failures - 1));
    const delayMs = (this.#state === 'draining' ? DRAIN_RETRY_MS : backoffMs) * (1 + random());
    entry.cancelRetry = clock.setTimeout(() => this.#makeDue(entry), delayMs);
  }

  async #pull(): Promise<void> {
    if (this.#pulling) return;
    this.#pulling = true;
    while (this.#mayBeMore && this.#room > 0) {
      const room = this.#room;
      this.#mayBeMore = false;
      const stops = await this.#options.due.pull(room);
      if (stops.length === room) this.#mayBeMore = true;
      for (const stop of stops) this.#take(stop);
    }
    this.#pulling = false;
    this.#endDrainWhenDone();
  }

  get #room(): number {
    const { maxPending, outlivesProcess } = this.#options;
    // Nobody else will send them later.
    if (this.#state !== 'open' && !outlivesProcess) return maxPending;
    return this.#state === 'closed' ? 0 : maxPending - this.#pending.size;
  }

  /** Makes the stop pending and sends it as soon as there is a free place. */
  #take(stop: StopRecord): void {
    if (this.#state === 'closed') {
      this.#reportLeft(stop);
      return;
    }
    if (this.#pending.has(stop.jti)) return;
    const entry = { stop, giveUpAtMs: this.#options.clock.now() + this.#options.retryForMs, failures: 0 };
    this.#pending.set(stop.jti, entry);
    this.#makeDue(entry);
  }

  #settle(entry: PendingStop): void {
    this.#pending.delete(entry.stop.jti);
    this.#options.due.delivered(entry.stop.jti);
    if (entry.failures > 0) {
      this.#retrying -= 1;
      if (this.#retrying === 0) {
        this.#options.log.info('No stop callback waits for a retry any more', { pending: this.#pending.size });
      }
    }
  }

  /** The process ends before the stop was delivered. */
  #reportLeft(stop: StopRecord, lastFailure?: string): void {
    const last = lastFailure === undefined ? '' : `; the last attempt failed: ${lastFailure}`;
    const why = `the server is ending${last}`;
    if (!this.#options.outlivesProcess) this.#reportLost(stop, why);
    else this.#options.log.warning(`Stop callback left to the other nodes of the fleet: ${why}`, describeStop(stop));
  }

  #reportLost(stop: StopRecord, why: string): void {
    this.#options.log.error(`Stop callback lost: ${why}`, describeStop(stop));
  }
}

function describeStop(stop: StopRecord): { channel: string; streamId: string; jti: string } {
  return { channel: stop.channel, streamId: stop.streamId, jti: stop.jti };
}
