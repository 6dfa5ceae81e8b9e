/**
 * AMF0 for tests, written independently of the service's codec so that one checks the other.
 * Objects are plain objects, ECMA arrays are written with `ecma()` and read as plain objects.
 */
export type Amf = undefined | null | boolean | number | string | Date | Ecma | Amf[] | { [key: string]: Amf };

/** Marks an object to be written as an ECMA array; `count` may lie about its size, as some encoders do. */
export class Ecma {
  constructor(
    readonly fields: Record<string, Amf>,
    readonly count = Object.keys(fields).length,
  ) {}
}

export const ecma = (fields: Record<string, Amf>, count?: number): Ecma => new Ecma(fields, count);

export function amfEncode(...values: Amf[]): Buffer {
  return Buffer.concat(values.map(encodeValue));
}

function encodeValue(value: Amf): Buffer {
  if (value === undefined) return Buffer.of(0x06);
  if (value === null) return Buffer.of(0x05);
  if (typeof value === 'boolean') return Buffer.of(0x01, value ? 1 : 0);
  if (typeof value === 'number') return Buffer.concat([Buffer.of(0x00), double(value)]);
  if (typeof value === 'string') return encodeString(value);
  if (value instanceof Date) return Buffer.concat([Buffer.of(0x0b), double(value.getTime()), Buffer.alloc(2)]);
  if (value instanceof Ecma) return Buffer.concat([Buffer.of(0x08), uint32(value.count), encodeFields(value.fields)]);
  if (Array.isArray(value)) return Buffer.concat([Buffer.of(0x0a), uint32(value.length), ...value.map(encodeValue)]);
  return Buffer.concat([Buffer.of(0x03), encodeFields(value)]);
}

function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return bytes.length > 0xffff
    ? Buffer.concat([Buffer.of(0x0c), uint32(bytes.length), bytes])
    : Buffer.concat([Buffer.of(0x02), shortString(bytes)]);
}

function encodeFields(fields: Record<string, Amf>): Buffer {
  const parts = Object.entries(fields).flatMap(([key, value]) => [shortString(Buffer.from(key)), encodeValue(value)]);
  return Buffer.concat([...parts, Buffer.of(0, 0, 0x09)]);
}

const shortString = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes]);

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Every value of `bytes`, in order. Throws on unknown values, so that the test fails. */
export function amfDecode(bytes: Buffer): Amf[] {
  const decoder = new Decoder(bytes);
  const values: Amf[] = [];
  while (!decoder.atEnd) values.push(decoder.value());
  return values;
}

class Decoder {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  get atEnd(): boolean {
    return this.#at >= this.bytes.length;
  }

  value(): Amf {
    const marker = this.#take(1).readUInt8();
    switch (marker) {
      case 0x00:
        return this.#take(8).readDoubleBE();
      case 0x01:
        return this.#take(1).readUInt8() !== 0;
      case 0x02:
        return this.#shortString();
      case 0x03:
        return this.#fields();
      case 0x05:
        return null;
      case 0x06:
        return undefined;
      case 0x08:
        this.#take(4);
        return this.#fields();
      case 0x0a:
        return Array.from({ length: this.#take(4).readUInt32BE() }, () => this.value());
      case 0x0b: {
        const date = new Date(this.#take(8).readDoubleBE());
        this.#take(2);
        return date;
      }
      case 0x0c:
        return this.#take(this.#take(4).readUInt32BE()).toString();
      default:
        throw new Error(`AMF0 marker ${marker} at ${this.#at - 1} of ${this.bytes.toString('hex')}`);
    }
  }

  #fields(): Record<string, Amf> {
    const fields: Record<string, Amf> = {};
    for (;;) {
      const key = this.#shortString();
      if (key === '' && this.bytes[this.#at] === 0x09) {
        this.#at += 1;
        return fields;
      }
      fields[key] = this.value();
    }
  }

  #shortString(): string {
    return this.#take(this.#take(2).readUInt16BE()).toString();
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.bytes.length) throw new Error(`AMF0 ends early: ${this.bytes.toString('hex')}`);
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }
}
