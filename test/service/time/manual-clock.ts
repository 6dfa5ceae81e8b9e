import type { Clock } from '../../../service/time/clock';

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that only the test advances. */
export class ManualClock implements Clock {
  private nowMs = Date.UTC(2026, 0, 1);
  private readonly timers = new Set<Timer>();

  now(): number {
    return this.nowMs;
  }

  setTimeout(callback: () => void, delayMs: number): () => void {
    const timer = { atMs: this.nowMs + delayMs, callback };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Advances the clock: each due timer runs at its time, with everything that it triggers, before the next timer. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.nowMs + byMs;
    await settled();
    for (let next = this.next(untilMs); next; next = this.next(untilMs)) {
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.timers.delete(next);
      next.callback();
      await settled();
    }
    this.nowMs = untilMs;
  }

  private next(untilMs: number): Timer | undefined {
    const due = [...this.timers].filter((timer) => timer.atMs <= untilMs);
    return due.sort((a, b) => a.atMs - b.atMs)[0];
  }
}

/** Resolves when all code that waits only for promises has run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
