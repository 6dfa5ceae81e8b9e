import type { Fact } from '../events/fact';

export type GapFact = Extract<Fact, { type: 'output.gap' }>;

/** An output has one event of gaps in this time (ms); what is missing meanwhile is added up. */
const EVERY_MS = 10_000;

interface Told {
  readonly timer: NodeJS.Timeout;
  /** What has been missing since the newest event (ms). */
  missingMs: number;
  fact: GapFact;
}

/** Tells of the gaps of a stream's outputs, the first one at once, and not more often than a consumer of events can take. */
export class GapNews {
  readonly #tell: (fact: GapFact) => void;
  /** By id of the output. */
  readonly #told = new Map<string, Told>();

  constructor(tell: (fact: GapFact) => void) {
    this.#tell = tell;
  }

  tell(fact: GapFact): void {
    const told = this.#told.get(fact.output);
    if (told === undefined) {
      this.#tell(fact);
      this.#wait(fact);
    } else {
      told.missingMs += fact.missingMs;
      told.fact = fact;
    }
  }

  /** The stream has ended: tells what was not told yet. */
  end(): void {
    for (const told of this.#told.values()) {
      clearTimeout(told.timer);
      this.#tellMissing(told);
    }
    this.#told.clear();
  }

  #wait(fact: GapFact): void {
    const timer = setTimeout(() => this.#again(fact.output), EVERY_MS).unref();
    this.#told.set(fact.output, { timer, missingMs: 0, fact });
  }

  #again(output: string): void {
    const told = this.#told.get(output)!;
    this.#told.delete(output);
    if (this.#tellMissing(told)) this.#wait(told.fact);
  }

  #tellMissing({ missingMs, fact }: Told): boolean {
    if (missingMs > 0) this.#tell({ ...fact, missingMs });
    return missingMs > 0;
  }
}
