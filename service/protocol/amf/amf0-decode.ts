import { ProtocolError } from '../protocol-errors';
import { Amf3Decoder } from './amf3-decode';
import { AmfBudget } from './amf-budget';
import { AmfReader } from './amf-reader';
import { AmfReferences } from './amf-references';
import { AmfEcmaArray, type AmfObject, type AmfValue } from './amf-value';

const OBJECT_END = Buffer.from([0x00, 0x00, 0x09]);

/**
 * Reads all AMF0 values from `offset` to the end (AMF0 specification, 2.1 to 2.18; RTMP 1.0, 7.1.1).
 *
 * @throws {ProtocolError} when the bytes are not AMF0, or nest deeper than 16, or hold more than 4096 values.
 */
export function decodeAmf0(bytes: Uint8Array, offset = 0): AmfValue[] {
  const decoder = new Amf0Decoder({ bytes, offset, endMarkerOptional: false });
  const values: AmfValue[] = [];
  while (!decoder.atEnd) values.push(decoder.value());
  return values;
}

/**
 * Reads AMF0 values up to the first fault: many encoders append bytes that are not AMF to complete commands, and some
 * omit the end marker of the last object, which is read as if it were there.
 */
export function decodeAmf0Prefix(bytes: Uint8Array, offset = 0): { values: AmfValue[]; error?: ProtocolError } {
  const decoder = new Amf0Decoder({ bytes, offset, endMarkerOptional: true });
  const values: AmfValue[] = [];
  try {
    while (!decoder.atEnd) values.push(decoder.value());
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { values, error };
  }
  return { values };
}

interface Amf0DecoderOptions {
  readonly bytes: Uint8Array;
  /** Where the first value begins. */
  readonly offset: number;
  /** The last object may lack its end marker, or part of it. */
  readonly endMarkerOptional: boolean;
}

class Amf0Decoder {
  readonly #reader: AmfReader;
  readonly #budget = new AmfBudget();
  readonly #references = new AmfReferences(this.#budget);
  readonly #endMarkerOptional: boolean;
  #amf3: Amf3Decoder | undefined;

  constructor({ bytes, offset, endMarkerOptional }: Amf0DecoderOptions) {
    this.#reader = new AmfReader(bytes, offset);
    this.#endMarkerOptional = endMarkerOptional;
  }

  get atEnd(): boolean {
    return this.#reader.remaining <= 0;
  }

  value(): AmfValue {
    const reader = this.#reader;
    this.#budget.entry();
    const marker = reader.u8();
    switch (marker) {
      case 0x00:
        return reader.double();
      case 0x01:
        return reader.u8() !== 0;
      case 0x02:
        return this.#text(reader.u16());
      case 0x03:
        return this.#references.define<AmfObject>(new Map(), (object) => this.#properties(object));
      case 0x05:
        return null;
      case 0x06:
      case 0x0d: // unsupported
        return undefined;
      case 0x07:
        return this.#references.get(reader.u16());
      case 0x08:
        reader.u32(); // The count is only a hint, and encoders get it wrong; the end marker decides.
        return this.#references.define(new AmfEcmaArray(), (array) => this.#properties(array));
      case 0x0a:
        return this.#references.define([], (array) => this.#items(array));
      case 0x0b:
        return this.#date();
      case 0x0c: // long string
      case 0x0f: // XML document
        return this.#text(reader.u32());
      case 0x10:
        this.#text(reader.u16()); // class name
        return this.#references.define<AmfObject>(new Map(), (object) => this.#properties(object));
      case 0x11:
        // The tables of AMF3 references last for the whole message, however often it switches to AMF3.
        this.#amf3 ??= new Amf3Decoder(reader, this.#budget);
        return this.#amf3.value();
      default:
        throw new ProtocolError('amf_bad_marker', `unknown AMF0 marker ${marker}`);
    }
  }

  #text(length: number): string {
    this.#budget.text(length);
    return this.#reader.utf8(length);
  }

  #properties(object: AmfObject): void {
    while (!this.#endOfProperties()) {
      const key = this.#text(this.#reader.u16());
      object.set(key, this.value());
    }
  }

  #endOfProperties(): boolean {
    if (this.#reader.skipIf(OBJECT_END)) return true;
    return this.#endMarkerOptional && this.#reader.skipIfCutShort(OBJECT_END);
  }

  #items(array: AmfValue[]): void {
    const count = this.#reader.u32();
    this.#budget.expectEntries(count);
    this.#reader.expectItems(count, 1);
    for (let i = 0; i < count; i++) array.push(this.value());
  }

  #date(): Date {
    const date = new Date(this.#reader.double());
    this.#reader.u16(); // The time zone is reserved: the milliseconds are always UTC.
    return date;
  }
}
