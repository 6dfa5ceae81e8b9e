import type { Session } from './session';

/** The open sessions of a node; checks the deadlines of all. */
export class SessionRegistry {
  readonly #sessions = new Set<Session>();
  #lastId = 0;
  #onEmpty: (() => void) | undefined;

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  add(session: Session): void {
    this.#sessions.add(session);
  }

  delete(session: Session): void {
    this.#sessions.delete(session);
    if (this.#sessions.size === 0) this.#onEmpty?.();
  }

  /** Resolves when all sessions have ended, after `timeoutMs` at the latest. */
  async empty(timeoutMs: number): Promise<void> {
    if (this.#sessions.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  get size(): number {
    return this.#sessions.size;
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#sessions.values();
  }

  /** How many sessions are in each phase. */
  countByPhase(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { phase } of this.#sessions) counts[phase] = (counts[phase] ?? 0) + 1;
    return counts;
  }

  /** Checks all deadlines; to be called once a second. */
  tick(now: number): void {
    for (const session of this.#sessions) session.tick(now);
  }
}
