/** Remembers how to end what was started, and ends it in the opposite order, once. */
export class Undoing {
  readonly #steps: (() => Promise<void> | void)[] = [];

  /** Gives `started` back. */
  later<T>(started: T, undo: (started: T) => Promise<void> | void): T {
    this.#steps.push(() => undo(started));
    return started;
  }

  /** Continues when a step fails, and rejects with the first failure in the end. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
