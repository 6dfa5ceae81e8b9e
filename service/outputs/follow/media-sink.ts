import type { PayloadSink } from '../../protocol/chunk/payload-sink';

/** Takes complete messages. */
export interface MessageTaker {
  take(typeId: number, timestamp: number, payload: Buffer): void;
}

/** Collects one audio or video message, in memory that all outputs share. */
export class MediaSink implements PayloadSink {
  readonly #taker: MessageTaker;
  readonly #typeId: number;
  readonly #timestamp: number;
  readonly #payload: Buffer;
  #filled = 0;

  /** @param payload memory for the whole payload */
  constructor(taker: MessageTaker, typeId: number, timestamp: number, payload: Buffer) {
    this.#taker = taker;
    this.#typeId = typeId;
    this.#timestamp = timestamp;
    this.#payload = payload;
  }

  append(source: Buffer, start: number, end: number): void {
    source.copy(this.#payload, this.#filled, start, end);
    this.#filled += end - start;
  }

  complete(): void {
    this.#taker.take(this.#typeId, this.#timestamp, this.#payload);
  }

  abort(): void {}
}
