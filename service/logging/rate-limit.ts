import type { LogFields, Logger } from './logger';

/** The code names the kinds; if a client's text ever gets into a name, this limits the memory. */
const MAX_KINDS = 256;
/** The kind that stands for all kinds beyond MAX_KINDS. */
const OTHER_KINDS = 'other';

interface RepeatedFault {
  readonly level: 'error' | 'warning' | 'debug';
  readonly message: string;
  /** Reports since the last line that was written. */
  suppressed: number;
}

/**
 * Keeps faults that may occur thousands of times a second from filling the log: the first of a kind is written at once,
 * those of the next `intervalMs` are counted and written as one line with `repeated=`.
 */
export class FaultRateLimit {
  readonly #faults = new Map<string, RepeatedFault>();
  #timer: NodeJS.Timeout | undefined;
  readonly #log: Logger;
  readonly #intervalMs: number;

  constructor(log: Logger, intervalMs = 10_000) {
    this.#log = log;
    this.#intervalMs = intervalMs;
  }

  /** Faults of the same `kind` count as the same fault; message and fields are those of the first. */
  report(level: RepeatedFault['level'], kind: string, message: string, fields?: LogFields): void {
    const slot = this.#faults.has(kind) || this.#faults.size < MAX_KINDS ? kind : OTHER_KINDS;
    const known = this.#faults.get(slot);
    if (known !== undefined) {
      known.suppressed += 1;
      return;
    }
    this.#faults.set(slot, { level, message, suppressed: 0 });
    this.#log[level](message, fields);
    this.#timer ??= setInterval(() => this.#summarize(), this.#intervalMs).unref();
  }

  /** Writes the counts and stops the timer. */
  close(): void {
    this.#summarize();
    this.#faults.clear();
    this.#stopTimer();
  }

  #summarize(): void {
    for (const [kind, fault] of this.#faults) {
      if (fault.suppressed === 0) {
        this.#faults.delete(kind);
        continue;
      }
      this.#log[fault.level](fault.message, { repeated: fault.suppressed, seconds: this.#intervalMs / 1000 });
      fault.suppressed = 0;
    }
    if (this.#faults.size === 0) this.#stopTimer();
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
