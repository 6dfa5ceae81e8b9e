import { messageOf } from '../../errors/error-text';
import type { Logger } from '../../logging/logger';
import type { Reconciliation } from './reconciliation';
import { jittered } from './registry-timing';

export interface ReconciliationScheduleOptions {
  readonly reconciliation: Reconciliation;
  /** About how often node and registry are reconciled without a reason (ms). */
  readonly auditMs: number;
  readonly log: Logger;
}

/** Decides when the registry is reconciled with this node's streams. */
export class ReconciliationSchedule {
  #running: Promise<void> | undefined;
  #inDoubt = false;
  #auditAt: number;
  readonly #options: ReconciliationScheduleOptions;

  constructor(options: ReconciliationScheduleOptions) {
    this.#options = options;
    this.#auditAt = performance.now() + jittered(options.auditMs);
  }

  /** The registry may differ from this node's state; reconciles at the next renewal. */
  doubt(): void {
    this.#inDoubt = true;
  }

  /** A renewal has succeeded. `lapsed`: this node's leases may have changed. */
  renewed(lapsed: boolean): void {
    if (lapsed || this.#inDoubt || performance.now() >= this.#auditAt) void this.now();
  }

  /** Reconciles, one run at a time; a request during a run causes one further run. Never rejects. */
  now(): Promise<void> {
    if (this.#running) {
      this.#inDoubt = true;
      return this.#running;
    }
    this.#running = this.#untilCertain().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #untilCertain(): Promise<void> {
    do {
      this.#doubtNoMore();
      try {
        // Otherwise the next renewal starts it again.
        if (!(await this.#options.reconciliation.run())) {
          this.doubt();
          return;
        }
      } catch (error) {
        this.#options.log.error(`The fleet registry could not be compared: ${messageOf(error)}`);
        return;
      }
    } while (this.#isInDoubt);
  }

  get #isInDoubt(): boolean {
    return this.#inDoubt;
  }

  #doubtNoMore(): void {
    this.#inDoubt = false;
    this.#auditAt = performance.now() + jittered(this.#options.auditMs);
  }
}
