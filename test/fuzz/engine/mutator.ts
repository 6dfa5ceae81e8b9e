import type { Random } from './random';

const INTERESTING = [0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 64, 127, 128, 192, 195, 254, 255];
const LARGE = [0x7f, 0x80, 0xff, 0x100, 0x3ff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffff, 0xffffff, 0x1000000];
const HUGE = [0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** Changes inputs at random. */
export class Mutator {
  readonly #random: Random;
  readonly #words: readonly Buffer[];
  readonly #maxLength: number;

  /** @param dictionary numbers and texts that inputs may have to contain */
  constructor(random: Random, dictionary: readonly (string | number)[], maxLength: number) {
    this.#random = random;
    this.#words = dictionary.flatMap(wordsOf).filter(({ length }) => length > 0);
    this.#maxLength = maxLength;
  }

  /** A changed copy; `other` is another input, parts of which may be taken. */
  mutate(input: Buffer, other: Buffer): Buffer {
    let bytes: Buffer = Buffer.from(input);
    for (let left = 1 << this.#random.below(4); left > 0; left -= 1) bytes = this.#change(bytes, other);
    return bytes.length > this.#maxLength ? bytes.subarray(0, this.#maxLength) : bytes;
  }

  #change(bytes: Buffer, other: Buffer): Buffer {
    const random = this.#random;
    const { length } = bytes;
    if (length === 0) return this.#noise();
    const at = random.below(length);
    switch (random.below(16)) {
      case 0:
        bytes[at] = bytes[at]! ^ (1 << random.below(8));
        return bytes;
      case 1:
        bytes[at] = random.next();
        return bytes;
      case 2:
        bytes[at] = random.pick(INTERESTING);
        return bytes;
      case 3:
        bytes[at] = bytes[at]! + random.below(33) - 16;
        return bytes;
      case 4:
        return splice(bytes, at, 1 + random.below(random.below(2) === 0 ? 8 : length), Buffer.alloc(0));
      case 5:
        return splice(bytes, at, 0, this.#noise());
      case 6:
        return splice(bytes, random.below(length + 1), 0, this.#part(bytes));
      case 7:
        return overwrite(bytes, at, this.#part(bytes));
      case 8:
        return this.#repeat(bytes, at);
      case 9:
        return other.length === 0 ? bytes : splice(bytes, at, 0, this.#part(other));
      case 10:
        return other.length === 0 ? bytes : splice(bytes, at, length, other.subarray(random.below(other.length)));
      case 11:
        return bytes.subarray(0, at);
      case 12:
        return this.#number(bytes, at);
      case 13:
        return this.#words.length === 0 ? bytes : overwrite(bytes, at, random.pick(this.#words));
      case 14:
        return this.#words.length === 0 ? bytes : splice(bytes, at, 0, random.pick(this.#words));
      default:
        return this.#length(bytes, at);
    }
  }

  #noise(): Buffer {
    const noise = Buffer.allocUnsafe(1 + this.#random.below(8));
    for (let i = 0; i < noise.length; i += 1) noise[i] = this.#random.next();
    return noise;
  }

  #part(bytes: Buffer): Buffer {
    const from = this.#random.below(bytes.length);
    const most = this.#random.below(2) === 0 ? 16 : bytes.length;
    return bytes.subarray(from, from + 1 + this.#random.below(most));
  }

  /** Many equal parts in a row are what makes slow code slow. */
  #repeat(bytes: Buffer, at: number): Buffer {
    const part = bytes.subarray(at, at + 1 + this.#random.below(24));
    const room = Math.max(1, Math.floor((this.#maxLength - bytes.length) / part.length));
    const times = 1 + this.#random.below(Math.min(room, this.#random.below(8) === 0 ? room : 8));
    return splice(bytes, at, 0, Buffer.concat(Array.from({ length: times }, () => part)));
  }

  #number(bytes: Buffer, at: number): Buffer {
    const size = 2 + this.#random.below(3);
    if (at + size > bytes.length) return bytes;
    const value = this.#random.pick(size === 4 ? HUGE : LARGE) % 2 ** (8 * size);
    if (this.#random.below(4) === 0) bytes.writeUIntLE(value, at, size);
    else bytes.writeUIntBE(value, at, size);
    return bytes;
  }

  /** A length field that fits what follows, or nearly. */
  #length(bytes: Buffer, at: number): Buffer {
    const size = 1 + this.#random.below(4);
    const left = bytes.length - at - size;
    if (left < 0) return bytes;
    const value = Math.max(
      0,
      (this.#random.below(2) === 0 ? left : this.#random.below(left + 1)) - this.#random.below(3),
    );
    bytes.writeUIntBE(value % 2 ** (8 * size), at, size);
    return bytes;
  }
}

function splice(bytes: Buffer, at: number, remove: number, insert: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
}

function overwrite(bytes: Buffer, at: number, part: Buffer): Buffer {
  Buffer.from(part).copy(bytes, at);
  return bytes;
}

/** A literal in the forms in which it may stand in an input. */
function wordsOf(literal: string | number): Buffer[] {
  if (typeof literal === 'string') return [Buffer.from(literal)];
  if (!Number.isInteger(literal) || literal < 0 || literal > 0xffffffff) return [];
  const size = literal < 0x100 ? 1 : literal < 0x10000 ? 2 : literal < 0x1000000 ? 3 : 4;
  const big = Buffer.alloc(size);
  big.writeUIntBE(literal, 0, size);
  return size === 1 ? [big] : [big, Buffer.from(big).reverse()];
}
