/** Time and timers; tests replace them. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls back once after `delayMs`; the returned function cancels it and may be called at any time. */
  setTimeout(callback: () => void, delayMs: number): () => void;
}

/** Milliseconds of a clock that never goes back, for measuring times; its zero means nothing. */
export type MonotonicClock = () => number;

export const monotonicNow: MonotonicClock = () => performance.now();

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
