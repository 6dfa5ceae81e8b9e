/** More leading zeros than this cannot begin a value of 32 bits (H.264 section 9.1). */
const MAX_LEADING_ZEROS = 31;

/**
 * Reads bits, the highest of each byte first. Behind the end, every bit is 0 and `isOverrun` becomes true, so that a
 * parser needs one check at its end; its loops need bounds of their own.
 */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #isOverrun = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** More was read than there is, or a value was too large: nothing that was read can be relied on. */
  get isOverrun(): boolean {
    return this.#isOverrun;
  }

  /** Bits that are left. */
  get left(): number {
    return this.#bytes.length * 8 - this.#at;
  }

  /** An unsigned number of 0 to 32 bits. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i += 1) {
      const byte = this.#bytes[this.#at >> 3];
      if (byte === undefined) this.#isOverrun = true;
      value = value * 2 + (((byte ?? 0) >> (7 - (this.#at & 7))) & 1);
      this.#at += 1;
    }
    return value;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  skip(count: number): void {
    this.#at += count;
    if (this.left < 0) this.#isOverrun = true;
  }

  /** Exp-Golomb code, unsigned: ue(v) of H.264 and H.265. */
  unsigned(): number {
    let zeros = 0;
    while (!this.flag()) {
      zeros += 1;
      if (zeros <= MAX_LEADING_ZEROS && !this.#isOverrun) continue;
      this.#isOverrun = true;
      return 0;
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** Exp-Golomb code, signed: se(v). */
  signed(): number {
    const code = this.unsigned();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}

/** The longest NAL unit whose contents are looked at (bytes); parameter sets of encoders take below 200. */
const MAX_NAL_BYTES = 1024;

/** A NAL unit without its emulation prevention bytes (H.264 section 7.3.1, H.265 section 7.3.1.1), cut at 1024 bytes. */
export function withoutEmulation(nal: Uint8Array): Uint8Array {
  const length = Math.min(nal.length, MAX_NAL_BYTES);
  const bytes = new Uint8Array(length);
  let written = 0;
  let zeros = 0;
  for (let i = 0; i < length; i += 1) {
    const byte = nal[i]!;
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    bytes[written++] = byte;
  }
  return bytes.subarray(0, written);
}
