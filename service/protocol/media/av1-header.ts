import { BitReader } from './bit-reader';
import type { VideoHeader } from './codec-headers';

const SEQUENCE_HEADER = 1;
/** Other OBUs that may come before the sequence header in a record. */
const MAX_OBUS = 16;
const PROFILES = ['Main', 'High', 'Professional'];

/** Reads an AV1CodecConfigurationRecord (AV1 in ISO Base Media File Format section 2.3.3). */
export function readAv1Record(record: Uint8Array): VideoHeader | undefined {
  if (record.length < 4 || record[0] !== 0x81) return undefined;
  const profile = record[1]! >> 5;
  const flags = record[2]!;
  const isHigh = (flags & 0x40) !== 0;
  const isTwelve = (flags & 0x20) !== 0;
  const isMonochrome = (flags & 0x10) !== 0;
  const subsampling = (flags >> 2) & 3;
  const sequence = findSequenceHeader(record.subarray(4));
  return {
    profile: PROFILES[profile] ?? `profile ${profile}`,
    ...(sequence ? readSizes(sequence) : UNKNOWN),
    pixelAspect: 1,
    isInterlaced: false,
    chroma: isMonochrome ? 0 : ([3, 3, 2, 1][subsampling] ?? 1),
    bitDepth: isTwelve ? 12 : isHigh ? 10 : 8,
  };
}

type Sizes = Pick<VideoHeader, 'width' | 'height'>;
const UNKNOWN: Sizes = { width: undefined, height: undefined };

/** The contents of the first sequence header among the OBUs (AV1 section 5.3). */
function findSequenceHeader(obus: Uint8Array): Uint8Array | undefined {
  let at = 0;
  for (let i = 0; i < MAX_OBUS && at < obus.length; i += 1) {
    const first = obus[at]!;
    at += (first & 0x04) === 0 ? 1 : 2;
    let size = obus.length - at;
    if ((first & 0x02) !== 0) {
      size = 0;
      for (let shift = 0; shift < 35; shift += 7) {
        const byte = obus[at++];
        if (byte === undefined) return undefined;
        size += (byte & 0x7f) * 2 ** shift;
        if ((byte & 0x80) === 0) break;
      }
    }
    if (((first >> 3) & 0x0f) === SEQUENCE_HEADER) return obus.subarray(at, at + size);
    at += size;
  }
  return undefined;
}

/** Reads a sequence header (AV1 section 5.5.1) up to the picture's size. */
function readSizes(sequence: Uint8Array): Sizes {
  const bits = new BitReader(sequence);
  bits.skip(4);
  if (bits.flag()) bits.skip(5);
  else {
    let delayBits = 0;
    if (bits.flag()) {
      bits.skip(64);
      if (bits.flag()) bits.unsigned();
      if (bits.flag()) {
        delayBits = bits.bits(5) + 1;
        bits.skip(42);
      }
    }
    skipOperatingPoints(bits, delayBits);
  }
  const widthBits = bits.bits(4) + 1;
  const heightBits = bits.bits(4) + 1;
  const width = bits.bits(widthBits) + 1;
  const height = bits.bits(heightBits) + 1;
  return bits.isOverrun ? UNKNOWN : { width, height };
}

/** @param delayBits length of the fields of the decoder model; 0: there is none */
function skipOperatingPoints(bits: BitReader, delayBits: number): void {
  const hasDisplayDelay = bits.flag();
  const count = bits.bits(5) + 1;
  for (let i = 0; i < count; i += 1) {
    bits.skip(12);
    if (bits.bits(5) > 7) bits.skip(1);
    if (delayBits > 0 && bits.flag()) bits.skip(2 * delayBits + 1);
    if (hasDisplayDelay && bits.flag()) bits.skip(4);
  }
}
