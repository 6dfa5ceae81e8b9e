import { type Clock, systemClock } from '../time/clock';
import type { Logger } from '../logging/logger';
import { protectionStep, RENEWAL_MS } from './protection-plan';
import { ProtectionRefused, type SetProtection } from './protection-endpoint';
import type { TaskLookup } from './task-lookup';
import type { TaskStanding } from './task-standing';

/** What the agent asks of ECS, as metrics name it. */
export type EcsCall = 'describe' | 'protect' | 'release';

export interface TaskAgentOptions {
  readonly lookup: TaskLookup;
  /** Absent: the task is not protected from scale-in. */
  readonly protection: { readonly set: SetProtection; readonly minPublishers: number } | undefined;
  /** Live publishers of this task. */
  readonly publishers: () => number;
  /** ECS is stopping the task. Called once. */
  readonly leaving: () => void;
  /** Counts an answer of ECS, or that there was none. */
  readonly called: (call: EcsCall, succeeded: boolean) => void;
  readonly logger: Logger;
  /** The longest between two questions while all is well (ms). */
  readonly pollMs: number;
  readonly clock?: Clock;
  /** 0 <= x < 1, spreads the questions of many tasks. */
  readonly random?: () => number;
}

/** Pauses after failed calls (ms). */
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 60_000;

/**
 * Knows what ECS has in mind for this task, and shields it from scale-in while that serves the publishers. It begins at
 * once and goes on until `close`. Nothing waits for it and it never throws: whatever becomes of its calls, streams go on.
 */
export class TaskAgent {
  readonly #options: TaskAgentOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  #standing: TaskStanding = 'wanted';
  /** Until when it is protected, or may be. */
  #protectedUntilMs: number | undefined;
  /** What ECS has said last. */
  #isProtected = false;
  #busyAtMs = -Infinity;
  #failures = 0;
  /** Faults that have been logged and are not over. */
  readonly #faults = new Set<string>();
  #cancelNext: (() => void) | undefined;
  #closed = false;

  constructor(options: TaskAgentOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    void this.#round();
  }

  /** As ECS said last; `wanted` until it has said anything. */
  get standing(): TaskStanding {
    return this.#standing;
  }

  /** Ends the questions. A protection that is on ends with the task, or by itself. */
  close(): void {
    this.#closed = true;
    this.#cancelNext?.();
    this.#options.lookup.close();
  }

  async #round(): Promise<void> {
    const looked = await this.#look();
    const protectedAsDue = await this.#protect();
    this.#failures = looked && protectedAsDue ? 0 : this.#failures + 1;
    if (!this.#closed) this.#cancelNext = this.#clock.setTimeout(() => void this.#round(), this.#pauseMs());
  }

  /** True unless the question failed. There is no way back from leaving, and nothing more to ask. */
  async #look(): Promise<boolean> {
    if (this.#standing === 'leaving') return true;
    const { lookup, logger, leaving } = this.#options;
    const answer = await this.#call('describe', () => lookup.standing());
    if (answer === undefined || this.#closed) return answer !== undefined;
    if (answer.result !== this.#standing) {
      this.#standing = answer.result;
      logger.info(sentences[answer.result]);
      if (answer.result === 'leaving') leaving();
    }
    return true;
  }

  /** True unless protection had to be changed and was not. */
  async #protect(): Promise<boolean> {
    const { protection, publishers, logger } = this.#options;
    if (protection === undefined || this.#closed) return true;
    const nowMs = this.#clock.now();
    const count = publishers();
    const floor = Math.max(1, protection.minPublishers);
    if (count >= floor) this.#busyAtMs = nowMs;
    const step = protectionStep({
      ...{ standing: this.#standing, publishers: count, floor, nowMs },
      protectedUntilMs: this.#protectedUntilMs,
      busyAtMs: this.#busyAtMs,
    });
    if (step === 'nothing') return true;
    const enable = step === 'protect';
    const answer = await this.#call(step, async () => {
      try {
        return await protection.set(enable);
      } catch (error) {
        // Without an answer it may be on all the same, and has to be released in time.
        const unknown = !(error instanceof ProtectionRefused);
        if (enable && unknown) this.#protectedUntilMs = Math.max(this.#protectedUntilMs ?? 0, nowMs + RENEWAL_MS);
        throw error;
      }
    });
    if (answer === undefined) return false;
    this.#protectedUntilMs = answer.result;
    if (this.#isProtected !== enable)
      logger.info(enable ? 'protected from scale-in' : 'no longer protected from scale-in');
    this.#isProtected = enable;
    return true;
  }

  async #call<T>(call: EcsCall, ask: () => Promise<T>): Promise<{ readonly result: T } | undefined> {
    const { called, logger } = this.#options;
    try {
      const result = await ask();
      called(call, true);
      if (this.#faults.delete(call)) logger.info('ECS answers again', { call });
      return { result };
    } catch (error) {
      called(call, false);
      // One line for an outage, however long it lasts.
      if (!this.#faults.has(call) && !this.#closed) {
        const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        logger.warning('ECS does not do what the task asks for, it is tried again', { call, reason });
      }
      this.#faults.add(call);
      return undefined;
    }
  }

  #pauseMs(): number {
    const { pollMs } = this.#options;
    const wholeMs = this.#failures === 0 ? pollMs : Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1));
    return wholeMs * (0.7 + 0.3 * this.#random());
  }
}

const sentences: Readonly<Record<TaskStanding, string>> = {
  wanted: 'ECS: this task is wanted',
  superseded: 'ECS: a newer deployment has taken over from this task',
  leaving: 'ECS: this task is being stopped',
};
