/** How much of its grace time a held stream has left; the clock can stand still meanwhile. */
export class GraceClock {
  #leftMs: number;
  #runsSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #over: () => void;

  constructor(graceMs: number, over: () => void) {
    this.#leftMs = graceMs;
    this.#over = over;
  }

  run(): void {
    if (this.#timer !== undefined) return;
    this.#runsSince = performance.now();
    this.#timer = setTimeout(this.#over, this.#leftMs);
  }

  stand(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#runsSince !== undefined) this.#leftMs -= performance.now() - this.#runsSince;
    this.#runsSince = undefined;
  }
}
