const FIRST_SIZE = 256;

/** A growing buffer for AMF bytes. */
export class AmfWriter {
  #buf = Buffer.allocUnsafe(FIRST_SIZE);
  #length = 0;

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#buf.writeUInt8(value, at);
  }

  u16(value: number): void {
    const at = this.#reserve(2);
    this.#buf.writeUInt16BE(value, at);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#buf.writeUInt32BE(value, at);
  }

  double(value: number): void {
    const at = this.#reserve(8);
    this.#buf.writeDoubleBE(value, at);
  }

  /** `byteLength` is the length of the text in UTF-8, which the caller has written in front of the text. */
  utf8(text: string, byteLength: number): void {
    const at = this.#reserve(byteLength);
    this.#buf.write(text, at, byteLength, 'utf8');
  }

  /** The bytes written so far. The writer must not be used after this. */
  finish(): Buffer {
    return this.#buf.subarray(0, this.#length);
  }

  #reserve(bytes: number): number {
    const start = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buf.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#length, this.#buf.length * 2));
      this.#buf.copy(grown, 0, 0, start);
      this.#buf = grown;
    }
    return start;
  }
}
