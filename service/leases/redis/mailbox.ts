import { type Letter, readLetter } from './life-documents';

/**
 * A node's mailbox in Redis, as far as the node has read it. Letters come with the answers to several kinds of requests,
 * and may come more than once; each is delivered once and in order. They stay in Redis until a renewal says that they
 * have arrived.
 */
export class Mailbox {
  /** Id of the last letter that was delivered; empty: none. */
  position = '';
  readonly #deliver: (letter: Letter) => void;
  readonly #schema: number;

  constructor(schema: number, deliver: (letter: Letter) => void) {
    this.#schema = schema;
    this.#deliver = deliver;
  }

  /** @param entries pairs of a letter's id and the letter */
  take(entries: readonly string[]): void {
    for (let i = 0; i + 1 < entries.length; i += 2) {
      const id = entries[i] ?? '';
      if (!isLater(id, this.position)) continue;
      this.position = id;
      const letter = readLetter(entries[i + 1] ?? '', this.#schema);
      if (letter) this.#deliver(letter);
    }
  }

  /** The server has lost writes: new letters may get the ids of letters that were read. */
  forget(): void {
    this.position = '';
  }
}

/** Ids are `<ms>-<number>`. */
function isLater(id: string, than: string): boolean {
  if (than === '') return true;
  const [ms = 0, count = 0] = id.split('-').map(Number);
  const [thanMs = 0, thanCount = 0] = than.split('-').map(Number);
  return ms > thanMs || (ms === thanMs && count > thanCount);
}
