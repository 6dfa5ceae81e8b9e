import type { Session } from './session';

/** How often the deadlines are checked (ms). */
const LOOK_MS = 1_000;
/** After a check that is this late (ms), clients' bytes wait: the process was stopped, or its machine, or it was busy. */
const PAUSED_MS = 2_000;

/** The open sessions of a node; checks the deadlines of all. */
export class OpenSessions {
  readonly #sessions = new Set<Session>();
  #lastId = 0;
  /** When the deadlines were checked last (ms). */
  #lookedAt: number;
  #onEmpty: (() => void) | undefined;

  /** @param now milliseconds of the clock that `tick` is called with */
  constructor(now: number) {
    this.#lookedAt = now;
  }

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
    const lateMs = now - this.#lookedAt - LOOK_MS;
    this.#lookedAt = now;
    for (const session of this.#sessions) session.tick(now, lateMs > PAUSED_MS ? lateMs : 0);
  }
}
