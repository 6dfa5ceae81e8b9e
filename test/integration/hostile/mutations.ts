import { type Capture } from './captures';

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Mutation = (bytes: Buffer, at: number, random: () => number, other: Buffer) => Buffer;

const upTo = (random: () => number, limit: number): number => Math.floor(random() * limit);
const splice = (bytes: Buffer, at: number, remove: number, insert: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);

const mutations: readonly Mutation[] = [
  function flipBit(bytes, at, random) {
    bytes[at] = bytes[at]! ^ (1 << upTo(random, 8));
    return bytes;
  },
  function setByte(bytes, at, random) {
    bytes[at] = [0x00, 0x01, 0x02, 0x7f, 0x80, 0xc3, 0xff][upTo(random, 7)]!;
    return bytes;
  },
  function largeLength(bytes, at) {
    return splice(bytes, at, 3, Buffer.of(0xff, 0xff, 0xff));
  },
  function smallLength(bytes, at) {
    return splice(bytes, at, 3, Buffer.alloc(3));
  },
  function cut(bytes, at, random) {
    return splice(bytes, at, 1 + upTo(random, 200), Buffer.alloc(0));
  },
  function duplicate(bytes, at, random) {
    return splice(bytes, at, 0, bytes.subarray(at, at + 1 + upTo(random, 500)));
  },
  function noise(bytes, at, random) {
    return splice(bytes, at, 0, Buffer.from(Array.from({ length: 1 + upTo(random, 60) }, () => upTo(random, 256))));
  },
  function end(bytes, at) {
    return bytes.subarray(0, at);
  },
  function spliceOther(bytes, at, random, other) {
    return splice(bytes, at, bytes.length, other.subarray(upTo(random, other.length)));
  },
];

/** One to six changes, mostly behind the handshake, where there is more to get wrong. */
export function mutate({ bytes, handshakeEnd }: Capture, other: Capture, random: () => number): Buffer {
  let mutated: Buffer = Buffer.from(bytes);
  for (let left = 1 + upTo(random, 6); left > 0 && mutated.length > 1; left -= 1) {
    const from = random() < 0.05 ? 0 : Math.min(handshakeEnd, mutated.length - 1);
    const at = from + upTo(random, mutated.length - from);
    mutated = mutations[upTo(random, mutations.length)]!(mutated, at, random, other.bytes);
  }
  return mutated;
}
