import { ProtocolError } from '../protocol-errors';
import type { AmfBudget } from './amf-budget';
import type { AmfReader } from './amf-reader';
import { AmfReferences } from './amf-references';
import { AmfEcmaArray, type AmfObject, type AmfValue } from './amf-value';

/** An empty inline string; it ends lists of keys. */
const EMPTY_STRING = Buffer.from([0x01]);

interface Traits {
  readonly dynamic: boolean;
  readonly names: readonly string[];
  readonly nameBytes: number;
}

/**
 * Reads AMF3 values (AMF3 specification, 3.1 to 3.16) from a reader that it shares with the AMF0 decoder, and keeps the
 * three tables of references: strings, traits and all other values.
 */
export class Amf3Decoder {
  readonly #reader: AmfReader;
  readonly #budget: AmfBudget;
  readonly #strings: { text: string; bytes: number }[] = [];
  readonly #traits: Traits[] = [];
  readonly #objects: AmfReferences;

  constructor(reader: AmfReader, budget: AmfBudget) {
    this.#reader = reader;
    this.#budget = budget;
    this.#objects = new AmfReferences(budget);
  }

  /** @throws {ProtocolError} when the bytes are not AMF3, or exceed the budget. */
  value(): AmfValue {
    const reader = this.#reader;
    this.#budget.entry();
    const marker = reader.u8();
    switch (marker) {
      case 0x00:
        return undefined;
      case 0x01:
        return null;
      case 0x02:
        return false;
      case 0x03:
        return true;
      case 0x04:
        return (this.#u29() << 3) >> 3; // 29 bits, two's complement
      case 0x05:
        return reader.double();
      case 0x06:
        return this.#text();
      case 0x07: // XML document of ActionScript 2
      case 0x0b: // XML of E4X
        return this.#referable((length) => this.#objects.defineLeaf(this.#longText(length), length));
      case 0x08:
        return this.#referable(() => this.#objects.defineLeaf(new Date(reader.double()), 0));
      case 0x09:
        return this.#referable((length) => this.#array(length));
      case 0x0a:
        return this.#referable((flags) => this.#object(flags));
      case 0x0c:
        return this.#referable((length) => this.#byteArray(length));
      case 0x0d:
        return this.#referable((count) => this.#numbers(count, 4, () => reader.i32()));
      case 0x0e:
        return this.#referable((count) => this.#numbers(count, 4, () => reader.u32()));
      case 0x0f:
        return this.#referable((count) => this.#numbers(count, 8, () => reader.double()));
      case 0x10:
        return this.#referable((count) => this.#objectVector(count));
      case 0x11:
        return this.#referable((count) => this.#dictionary(count));
      default:
        throw new ProtocolError('amf_bad_marker', `unknown AMF3 marker ${marker}`);
    }
  }

  /** 1 to 4 bytes: 7 bits in each of the first three, 8 in the fourth (1.3.1). */
  #u29(): number {
    let value = 0;
    for (let i = 0; i < 3; i++) {
      const byte = this.#reader.u8();
      value = (value << 7) | (byte & 0x7f);
      if (byte < 0x80) return value;
    }
    return (value << 8) | this.#reader.u8();
  }

  /**
   * Reads a value that may be a reference: the lowest bit of the number in front is 0 for a reference, 1 for a value.
   */
  #referable(read: (rest: number) => AmfValue): AmfValue {
    const head = this.#u29();
    return head & 1 ? read(head >> 1) : this.#objects.get(head >> 1);
  }

  #text(): string {
    const head = this.#u29();
    if (head & 1) {
      const bytes = head >> 1;
      const text = this.#longText(bytes);
      if (bytes > 0) this.#strings.push({ text, bytes });
      return text;
    }
    const known = this.#strings[head >> 1];
    if (!known)
      throw new ProtocolError('amf_bad_reference', `AMF3 reference to string ${head >> 1}, which is not there`);
    this.#budget.repeatedText(known.bytes);
    return known.text;
  }

  #longText(bytes: number): string {
    this.#budget.text(bytes);
    return this.#reader.utf8(bytes);
  }

  #byteArray(length: number): Uint8Array {
    this.#budget.text(length);
    return this.#objects.defineLeaf(this.#reader.bytes(length), length);
  }

  /** A JavaScript array when all keys are 0..n, otherwise an ECMA array whose keys are all text. */
  #array(denseCount: number): AmfValue {
    this.#expectItems(denseCount, 1);
    if (this.#reader.skipIf(EMPTY_STRING)) {
      return this.#objects.define<AmfValue[]>([], (dense) => this.#items(dense, denseCount));
    }
    return this.#objects.define(new AmfEcmaArray(), (array) => {
      this.#dynamicProperties(array);
      for (let i = 0; i < denseCount; i++) array.set(String(i), this.value());
    });
  }

  #object(flags: number): AmfValue {
    return this.#objects.define<AmfObject>(new Map(), (object) => {
      const traits = this.#traitsOf(flags);
      for (const name of traits.names) object.set(name, this.value());
      if (traits.dynamic) this.#dynamicProperties(object);
    });
  }

  #traitsOf(flags: number): Traits {
    if (!(flags & 1)) {
      const known = this.#traits[flags >> 1];
      if (!known)
        throw new ProtocolError('amf_bad_reference', `AMF3 reference to traits ${flags >> 1}, which are not there`);
      this.#budget.repeatedText(known.nameBytes);
      return known;
    }
    if (flags & 2) throw new ProtocolError('amf_unsupported', 'externalizable AMF3 object');
    const count = flags >> 3;
    this.#text(); // class name
    this.#expectItems(count, 1);
    const names: string[] = [];
    for (let i = 0; i < count; i++) names.push(this.#text());
    const nameBytes = names.reduce((sum, name) => sum + Buffer.byteLength(name), 0);
    const traits = { dynamic: (flags & 4) !== 0, names, nameBytes };
    this.#traits.push(traits);
    return traits;
  }

  #dynamicProperties(object: AmfObject): void {
    for (let key = this.#text(); key !== ''; key = this.#text()) object.set(key, this.value());
  }

  #numbers(count: number, bytesEach: number, read: () => number): AmfValue {
    this.#reader.u8(); // whether the vector has a fixed length
    this.#expectItems(count, bytesEach);
    return this.#objects.define<number[]>([], (vector) => {
      for (let i = 0; i < count; i++) {
        this.#budget.entry();
        vector.push(read());
      }
    });
  }

  #objectVector(count: number): AmfValue {
    this.#reader.u8(); // whether the vector has a fixed length
    this.#text(); // class name
    this.#expectItems(count, 1);
    return this.#objects.define<AmfValue[]>([], (vector) => this.#items(vector, count));
  }

  /** Pairs whose key is not text, a number or a boolean cannot be in an AmfObject: they are read and left out. */
  #dictionary(count: number): AmfValue {
    this.#reader.u8(); // whether the keys are weak references
    this.#expectItems(count, 2);
    return this.#objects.define<AmfObject>(new Map(), (object) => {
      for (let i = 0; i < count; i++) {
        const key = this.value();
        const value = this.value();
        if (typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean')
          object.set(String(key), value);
      }
    });
  }

  #items(array: AmfValue[], count: number): void {
    for (let i = 0; i < count; i++) array.push(this.value());
  }

  #expectItems(count: number, minBytesEach: number): void {
    this.#budget.expectEntries(count);
    this.#reader.expectItems(count, minBytesEach);
  }
}
