interface Timer {
  readonly run: () => void;
  due: number;
  readonly every: number | undefined;
}

const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Replaces the clocks and timers of this process, so that time passes only when `pass` says so. */
export class VirtualClock {
  /** Milliseconds since the clock was made. */
  ms = 0;
  readonly #timers = new Set<Timer>();
  readonly #epoch = 1_800_000_000_000;
  #restore: (() => void) | undefined;

  get now(): number {
    return this.#epoch + this.ms;
  }

  /** Timers that have not run. */
  get pending(): number {
    return this.#timers.size;
  }

  install(): void {
    const { setTimeout, clearTimeout, setInterval, clearInterval, performance } = globalThis;
    const { now } = Date;
    const add = (run: (...args: unknown[]) => void, ms = 0, every?: number, args: unknown[] = []): object => {
      const timer: Timer = { run: () => run(...args), due: this.ms + Math.max(0, ms), every };
      this.#timers.add(timer);
      return Object.assign(timer, { unref: () => timer, ref: () => timer, hasRef: () => true, refresh: () => timer });
    };
    const clear = (timer: unknown): void => void this.#timers.delete(timer as Timer);
    const fakes = {
      setTimeout: (run: () => void, ms?: number, ...args: unknown[]) => add(run, ms, undefined, args),
      setInterval: (run: () => void, ms = 1, ...args: unknown[]) => add(run, ms, ms, args),
      clearTimeout: clear,
      clearInterval: clear,
    };
    Object.assign(globalThis, fakes);
    Object.defineProperty(globalThis, 'performance', {
      value: { now: () => this.ms },
      configurable: true,
      writable: true,
    });
    Date.now = () => this.now;
    this.#restore = () => {
      Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval });
      Object.defineProperty(globalThis, 'performance', { value: performance, configurable: true, writable: true });
      Date.now = now;
    };
  }

  restore(): void {
    this.#restore?.();
  }

  async pass(ms: number): Promise<void> {
    const until = this.ms + ms;
    for (;;) {
      let next: Timer | undefined;
      for (const timer of this.#timers) if (timer.due <= until && (!next || timer.due < next.due)) next = timer;
      if (next === undefined) break;
      this.ms = Math.max(this.ms, next.due);
      if (next.every === undefined) this.#timers.delete(next);
      else next.due = this.ms + Math.max(1, next.every);
      next.run();
      await breathe();
    }
    this.ms = until;
  }
}
