/** A connection that can be left unread for a while. */
export interface PacedReader {
  readAgain(): void;
}

/** Connections that are left unread until all are read together; allocates nothing in steady use. */
export class HeldReaders {
  #held: PacedReader[] = [];
  #spare: PacedReader[] = [];

  add(reader: PacedReader): void {
    this.#held.push(reader);
  }

  /** Reads all of them again; readers added meanwhile wait for the next call. */
  readAgain(): void {
    const readers = this.#held;
    this.#held = this.#spare;
    for (let i = 0; i < readers.length; i += 1) readers[i]!.readAgain();
    readers.length = 0;
    this.#spare = readers;
  }
}
