import type { Logger } from '../../logging/logger';
import type { Reconciliation } from './reconciliation';
import { jittered } from './registry-timing';

/** Decides when the registry is reconciled with this node's streams. */
export class ReconciliationSchedule {
  #running: Promise<void> | undefined;
  #inDoubt = false;
  #auditAt: number;

  constructor(
    private readonly reconciliation: Reconciliation,
    private readonly auditMs: number,
    private readonly log: Logger,
  ) {
    this.#auditAt = performance.now() + jittered(auditMs);
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
      this.doubtNoMore();
      try {
        // Otherwise the next renewal starts it again.
        if (!(await this.reconciliation.run())) {
          this.doubt();
          return;
        }
      } catch (error) {
        this.log.error(
          `The fleet registry could not be compared: ${error instanceof Error ? error.message : 'unknown'}`,
        );
        return;
      }
    } while (this.isInDoubt);
  }

  private get isInDoubt(): boolean {
    return this.#inDoubt;
  }

  private doubtNoMore(): void {
    this.#inDoubt = false;
    this.#auditAt = performance.now() + jittered(this.auditMs);
  }
}
