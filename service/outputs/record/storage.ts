/**
 * How storing ended. `fault`: not all of it could be stored. `left`: the program ends, and the next one completes the
 * recording and tells of it. `taken`: another program has completed it and told.
 */
export type Outcome = { readonly is: 'stored' | 'left' | 'taken' } | { readonly is: 'fault'; readonly reason: string };

/** Where the files of one recording are stored. Bytes come message by message; nothing here waits or throws. */
export interface RecordingStorage {
  /** The file being written, as people name it. */
  readonly place: string;
  /** Bytes that the operating system does not have yet. */
  readonly unwritten: number;
  /** Bytes that are not yet where they belong. */
  readonly waiting: number;
  /** Why they wait longer than usual; empty: they do not. */
  readonly trouble: string;
  /** Whether the file with that number is where it belongs. */
  isStored(number: number): boolean;
  /** The next file begins; the one before is complete. */
  begin(number: number): void;
  append(bytes: Buffer): void;
  /** Between two messages: hands what has come to the operating system. */
  write(): void;
  /** Called every few seconds: keeps what is needed to complete the recording after a crash. */
  keep(): void;
  /** The list of files has changed. */
  publish(): void;
  /** Stores everything, and the document last. Never rejects. */
  finish(): Promise<Outcome>;
  /**
   * Removes what is kept for after a crash, once the node has the event. Never rejects.
   *
   * @param told whether the node has it; false: the next program completes the recording, and tells again
   */
  forget(told: Promise<boolean>): Promise<void>;
}
