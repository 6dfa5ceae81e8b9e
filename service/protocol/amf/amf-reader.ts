import { ProtocolError } from '../protocol-errors';

/** A cursor over AMF bytes. Every read is checked against the end and fails with `truncated`. */
export class AmfReader {
  /** Of the next byte to read. */
  offset: number;
  readonly #buf: Buffer;

  constructor(bytes: Uint8Array, offset: number) {
    this.offset = offset;
    this.#buf = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#buf.length - this.offset;
  }

  u8(): number {
    return this.#buf.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#buf.readUInt16BE(this.#take(2));
  }

  u32(): number {
    return this.#buf.readUInt32BE(this.#take(4));
  }

  i32(): number {
    return this.#buf.readInt32BE(this.#take(4));
  }

  double(): number {
    return this.#buf.readDoubleBE(this.#take(8));
  }

  /** Text of `length` bytes; bytes that are not UTF-8 become U+FFFD. */
  utf8(length: number): string {
    const start = this.#take(length);
    return this.#buf.toString('utf8', start, start + length);
  }

  /** A copy, so that a kept value does not hold the whole message in memory. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return new Uint8Array(this.#buf.subarray(start, start + length));
  }

  /** Consumes `expected` if the next bytes are exactly these. */
  skipIf(expected: Buffer): boolean {
    const found = this.#buf.subarray(this.offset, this.offset + expected.length).equals(expected);
    if (found) this.offset += expected.length;
    return found;
  }

  /** Consumes the rest if it is a part of `whole`, cut short at its end; an empty rest counts too. */
  skipIfCutShort(whole: Buffer): boolean {
    const found =
      this.remaining < whole.length && this.#buf.subarray(this.offset).equals(whole.subarray(0, this.remaining));
    if (found) this.offset = this.#buf.length;
    return found;
  }

  /** Fails unless `count` items of at least `minBytesEach` can still follow, before anything is allocated for them. */
  expectItems(count: number, minBytesEach: number): void {
    if (count * minBytesEach > this.remaining) throw new ProtocolError('truncated', 'AMF data ends inside a value');
  }

  #take(length: number): number {
    this.expectItems(length, 1);
    const start = this.offset;
    this.offset += length;
    return start;
  }
}
