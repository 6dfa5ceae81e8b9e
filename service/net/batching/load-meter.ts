/**
 * The load at which each step begins: messages to players a second, or half as many from publishers with players. A
 * write or read costs the kernel about 7.5 us, so 2,000 are 1.5 % of a core: not worth any latency.
 */
const STEP_LOADS = [2_000, 4_000, 6_000] as const;
/** A step ends only below this share of the load at which it begins. */
const HYSTERESIS = 0.7;

/** How far batching should go: not at all, or one of three steps. */
export type LoadStep = 0 | 1 | 2 | 3;

/** Measures a node's load in messages from publishers to players. */
export class LoadMeter {
  #step: LoadStep = 0;
  #lastOut = 0;
  #arrived = 0;
  #readAt = performance.now();

  /** When the load was read last (ms of performance.now). */
  get readAt(): number {
    return this.#readAt;
  }

  /** A message of a stream with players arrived. */
  arrived(): void {
    this.#arrived += 1;
  }

  /**
   * The step for the load since the last call.
   *
   * @param messagesOut all messages to players so far
   */
  read(messagesOut: number): LoadStep {
    const now = performance.now();
    const perSecond = Math.max(messagesOut - this.#lastOut, 2 * this.#arrived) / ((now - this.#readAt) / 1000);
    this.#lastOut = messagesOut;
    this.#arrived = 0;
    this.#readAt = now;
    const reached = STEP_LOADS.filter((load, i) => perSecond >= (this.#step > i ? load * HYSTERESIS : load));
    this.#step = reached.length as LoadStep;
    return this.#step;
  }
}
