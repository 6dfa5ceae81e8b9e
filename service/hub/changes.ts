/**
 * Keeps what has to be told of changes until they are whole: it is told when the outermost `run` ends, in the order in
 * which it was noted. Whoever is told may make further changes; what there is to tell of those comes last.
 */
export class Changes {
  #underWay = 0;
  #isTelling = false;
  readonly #news: (() => void)[] = [];
  readonly #allTold: () => void;

  /** @param allTold called when nothing is left to be told and no change is under way */
  constructor(allTold: () => void) {
    this.#allTold = allTold;
  }

  /** Makes these steps one change. */
  run<T>(steps: () => T): T {
    this.#underWay += 1;
    try {
      return steps();
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0 && !this.#isTelling) this.#tell();
    }
  }

  /** To be called within a change. */
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
