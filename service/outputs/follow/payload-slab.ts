const SLAB_BYTES = 128 * 1024;
/** Larger payloads get memory of their own: the rest of a slab would often be lost. */
const MAX_CUT_BYTES = 48 * 1024;

/**
 * Memory for the payloads of one stream, cut out of larger pieces: memory of its own for each frame costs the garbage
 * collector more than all else that is done with the frame. A piece is never used twice, and is freed with the last of
 * its payloads.
 */
export class PayloadSlab {
  #slab: Buffer | undefined;
  #used = 0;

  /** Memory for a payload, with any content. */
  take(length: number): Buffer {
    if (length > MAX_CUT_BYTES) return Buffer.allocUnsafeSlow(length);
    if (this.#slab === undefined || this.#used + length > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    return this.#slab.subarray(start, this.#used);
  }
}

/** A copy for a payload that is kept for as long as the stream lasts, so that its slab is not. */
export function alone(payload: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(payload.length);
  payload.copy(own);
  return own;
}
