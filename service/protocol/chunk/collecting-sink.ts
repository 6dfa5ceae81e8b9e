import type { PayloadSink } from './payload-sink';

/** Collects the payload of one message that is parsed as a whole. */
export abstract class CollectingSink implements PayloadSink {
  /** Filled as far as the message has arrived. */
  protected readonly payload: Buffer;
  #filled = 0;

  /** @param length of the whole message (bytes) */
  constructor(length: number) {
    this.payload = Buffer.allocUnsafe(length);
  }

  append(source: Buffer, start: number, end: number): void {
    this.#filled += source.copy(this.payload, this.#filled, start, end);
  }

  abstract complete(): void;

  abort(): void {}
}
