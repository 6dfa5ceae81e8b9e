/**
 * An input as a source of decisions, for targets that read more than one row of bytes. Behind its end everything is 0.
 */
export class Input {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return Math.max(0, this.#bytes.length - this.#at);
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  /** A whole number below `limit`, which is at most 256. */
  below(limit: number): number {
    return this.byte() % limit;
  }

  flag(): boolean {
    return (this.byte() & 1) === 1;
  }

  /** An unsigned number of so many bytes. */
  number(bytes: 1 | 2 | 3 | 4): number {
    let value = 0;
    for (let i = 0; i < bytes; i += 1) value = value * 256 + this.byte();
    return value;
  }

  bytes(length: number): Buffer {
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }

  rest(): Buffer {
    return this.bytes(this.left);
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

/** The lengths of the pieces in which bytes arrive, as the input decides. */
export function pieces(bytes: Buffer, cuts: Input): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = cuts.left === 0 ? bytes.length : 1 + (cuts.byte() % 40);
    // Copied, as the reader may overwrite them.
    cut.push(Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  return cut;
}
