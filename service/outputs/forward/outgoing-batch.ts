import { encodedLength, writeContinuation, writeHeader } from '../../protocol/chunk/chunk-writer';

/** Memory is taken from the system in blocks of this size (bytes), which hold the messages of several batches. */
const BLOCK_BYTES = 256 * 1024;

/** Encodes messages one behind another, so that each batch is one write. The bytes are never overwritten. */
export class OutgoingBatch {
  #block = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  constructor(
    private readonly chunkSize: number,
    private readonly write: (bytes: Buffer) => void,
  ) {}

  /** Bytes that were not written yet. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Appends a message; returns its length on the wire (bytes). */
  add(chunkStreamId: number, timestamp: number, typeId: number, streamId: number, payload: Buffer): number {
    const { chunkSize } = this;
    const length = encodedLength(timestamp, payload.length, chunkSize);
    if (this.#end + length > this.#block.length) {
      this.flush();
      this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, length));
      this.#start = 0;
      this.#end = 0;
    }
    const block = this.#block;
    let at = writeHeader(block, this.#end, chunkStreamId, timestamp, payload.length, typeId, streamId);
    for (let from = 0; from < payload.length; from += chunkSize) {
      if (from > 0) at = writeContinuation(block, at, chunkStreamId, timestamp);
      at += payload.copy(block, at, from, Math.min(from + chunkSize, payload.length));
    }
    this.#end = at;
    return length;
  }

  /** Writes what was added since the last call. */
  flush(): void {
    if (this.#end === this.#start) return;
    const bytes = this.#block.subarray(this.#start, this.#end);
    this.#start = this.#end;
    this.write(bytes);
  }
}
