/** Takes the payload of one message as its chunks arrive. Exactly one of `complete` and `abort` ends it. */
export interface PayloadSink {
  /** Copies `source[start, end)`; the source buffer is reused as soon as this returns. */
  append(source: Buffer, start: number, end: number): void;
  /** All bytes announced by the header were appended. */
  complete(): void;
  /** The message will not be completed: aborted by the sender or the connection ended. */
  abort(): void;
}

/** Discards a payload. */
export const discardingSink: PayloadSink = {
  append() {},
  complete() {},
  abort() {},
};
