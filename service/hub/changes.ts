/**
 * Holds back the notifications of a change until the change is complete: they run when the outermost `run` ends, in the
 * order in which they were noted. A notification may make further changes, whose notifications queue at the end.
 */
export class Changes {
  #underWay = 0;
  #isTelling = false;
  readonly #news: (() => void)[] = [];
  readonly #allTold: () => void;

  /** @param allTold called when no notification is left and no change is under way */
  constructor(allTold: () => void) {
    this.#allTold = allTold;
  }

  /** Runs these steps as one change. */
  run<T>(steps: () => T): T {
    this.#underWay += 1;
    try {
      return steps();
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0 && !this.#isTelling) this.#tell();
    }
  }

  /** Queues a notification; to be called within a change. */
  note(news: () => void): void {
    this.#news.push(news);
  }

  #tell(): void {
    this.#isTelling = true;
    try {
      for (let i = 0; i < this.#news.length; i += 1) this.#news[i]!();
    } finally {
      this.#news.length = 0;
      this.#isTelling = false;
    }
    this.#allTold();
  }
}
