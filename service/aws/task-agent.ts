import { describeError } from '../errors/error-text';
import { type Clock, systemClock } from '../time/clock';
import type { Logger } from '../logging/logger';
import { protectionStep, RENEWAL_MS } from './protection-plan';
import { ProtectionRefused, type SetProtection } from './protection-endpoint';
import type { TaskLookup } from './task-lookup';
import type { TaskStanding } from './task-standing';

/** The agent's calls to ECS, as metrics name them. */
export type EcsCall = 'describe' | 'protect' | 'release';

export interface TaskAgentOptions {
  readonly lookup: TaskLookup;
  /** Absent: the task is not protected from scale-in. */
  readonly protection: { readonly set: SetProtection; readonly minPublishers: number } | undefined;
  /** Live publishers of this task. */
  readonly publishers: () => number;
  /** ECS is stopping the task. Called once. */
  readonly leaving: () => void;
  /** Counts a call to ECS; not succeeded: ECS refused it or did not answer. */
  readonly called: (call: EcsCall, succeeded: boolean) => void;
  readonly log: Logger;
  /** Longest pause between two successful rounds (ms). */
  readonly pollMs: number;
  readonly clock?: Clock;
  /** 0 <= x < 1, spreads the calls of many tasks. */
  readonly random?: () => number;
}

/** Pauses after failed calls (ms). */
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 60_000;

/**
 * Watches whether ECS still wants this task, and protects the task from scale-in while it has enough publishers. Runs
 * from construction until `close`. Nothing waits for it and it never throws: failed calls to ECS do not affect streams.
 */
export class TaskAgent {
  readonly #options: TaskAgentOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  #standing: TaskStanding = 'wanted';
  /** Until when the task is or may be protected. */
  #protectedUntilMs: number | undefined;
  /** Whether the task was protected by ECS's last answer. */
  #isProtected = false;
  #busyAtMs = -Infinity;
  #failures = 0;
  /** Calls whose failure has been logged and that have not succeeded since. */
  readonly #faults = new Set<string>();
  #cancelNext: (() => void) | undefined;
  #closed = false;

  constructor(options: TaskAgentOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    void this.#round();
  }

  /** By ECS's last answer; `wanted` before the first. */
  get standing(): TaskStanding {
    return this.#standing;
  }

  /** Whether the task is protected from scale-in, by ECS's last answer. */
  get isProtected(): boolean {
    return this.#isProtected;
  }

  /** Stops calling ECS. A protection that is on ends with the task, or expires. */
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

  /** True unless the call failed. A task that is `leaving` stays so; ECS is not asked any more. */
  async #look(): Promise<boolean> {
    if (this.#standing === 'leaving') return true;
    const { lookup, log, leaving } = this.#options;
    const answer = await this.#call('describe', () => lookup.standing());
    if (answer === undefined || this.#closed) return answer !== undefined;
    if (answer.result !== this.#standing) {
      this.#standing = answer.result;
      log.info(sentences[answer.result]);
      if (answer.result === 'leaving') leaving();
    }
    return true;
  }

  /** True unless a necessary change of protection failed. */
  async #protect(): Promise<boolean> {
    const { protection, publishers, log } = this.#options;
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
        // Without an answer the protection may be on nevertheless, and has to be released later.
        const unknown = !(error instanceof ProtectionRefused);
        if (enable && unknown) this.#protectedUntilMs = Math.max(this.#protectedUntilMs ?? 0, nowMs + RENEWAL_MS);
        throw error;
      }
    });
    if (answer === undefined) return false;
    this.#protectedUntilMs = answer.result;
    if (this.#isProtected !== enable)
      log.info(enable ? 'protected from scale-in' : 'no longer protected from scale-in');
    this.#isProtected = enable;
    return true;
  }

  async #call<T>(call: EcsCall, ask: () => Promise<T>): Promise<{ readonly result: T } | undefined> {
    const { called, log } = this.#options;
    try {
      const result = await ask();
      called(call, true);
      if (this.#faults.delete(call)) log.info('ECS answers again', { call });
      return { result };
    } catch (error) {
      called(call, false);
      // One line for an outage, however long it lasts.
      if (!this.#faults.has(call) && !this.#closed) {
        const reason = describeError(error);
        log.warning('ECS does not do what the task asks for, it is tried again', { call, reason });
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
