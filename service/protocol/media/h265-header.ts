import { BitReader, withoutEmulation } from './bit-reader';
import type { VideoHeader } from './codec-headers';

const SPS = 33;
/** More parameter sets than this in a record are not looked at. */
const MAX_NALS = 64;

/** Reads an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 8.3.3.1); undefined when it cannot be read. */
export function readHevcRecord(record: Uint8Array): VideoHeader | undefined {
  if (record.length < 23) return undefined;
  const sps = findSps(record);
  const picture = sps && readH265Sps(sps);
  if (picture === undefined) return undefined;
  const profile = record[1]! & 0x1f;
  // general_progressive_source_flag and general_interlaced_source_flag
  const isInterlaced = (record[6]! & 0xc0) === 0x40;
  return { profile: PROFILES[profile] ?? `profile ${profile}`, ...picture, isInterlaced };
}

function findSps(record: Uint8Array): Uint8Array | undefined {
  let at = 23;
  let looked = 0;
  for (let array = 0; array < record[22]!; array += 1) {
    const type = record[at]! & 0x3f;
    const count = record[at + 1]! * 256 + record[at + 2]!;
    at += 3;
    for (let i = 0; i < count; i += 1) {
      if (at + 2 > record.length || ++looked > MAX_NALS) return undefined;
      const length = record[at]! * 256 + record[at + 1]!;
      if (type === SPS) return record.subarray(at + 2, at + 2 + length);
      at += 2 + length;
    }
  }
  return undefined;
}

/** Reads a sequence parameter set (H.265 section 7.3.2.2.1) up to its bit depth. */
function readH265Sps(nal: Uint8Array): Omit<VideoHeader, 'profile' | 'isInterlaced'> | undefined {
  const bits = new BitReader(withoutEmulation(nal.subarray(2)));
  bits.skip(4);
  const subLayers = bits.bits(3);
  bits.skip(1);
  skipProfileTierLevel(bits, subLayers);
  bits.unsigned();
  const chroma = bits.unsigned();
  const isSeparate = chroma === 3 && bits.flag();
  const codedWidth = bits.unsigned();
  const codedHeight = bits.unsigned();
  const hasChroma = chroma > 0 && !isSeparate;
  const cropX = hasChroma && chroma < 3 ? 2 : 1;
  const cropY = hasChroma && chroma === 1 ? 2 : 1;
  const isCropped = bits.flag();
  const cropped = [0, 0, 0, 0].map(() => (isCropped ? bits.unsigned() : 0));
  const bitDepth = 8 + bits.unsigned();
  const width = codedWidth - cropX * (cropped[0]! + cropped[1]!);
  const height = codedHeight - cropY * (cropped[2]! + cropped[3]!);
  if (bits.isOverrun || width <= 0 || height <= 0 || chroma > 3 || bitDepth > 16) return undefined;
  return { width, height, pixelAspect: 1, chroma, bitDepth };
}

/** Section 7.3.3. */
function skipProfileTierLevel(bits: BitReader, subLayers: number): void {
  bits.skip(88 + 8);
  if (subLayers === 0) return;
  let skipped = 0;
  for (let i = 0; i < 8; i += 1) {
    const hasProfile = bits.flag();
    const hasLevel = bits.flag();
    if (i < subLayers) skipped += (hasProfile ? 88 : 0) + (hasLevel ? 8 : 0);
  }
  bits.skip(skipped);
}

const PROFILES: Readonly<Record<number, string>> = {
  1: 'Main',
  2: 'Main 10',
  3: 'Main Still Picture',
  4: 'Range Extensions',
  9: 'Screen Content Coding',
};
