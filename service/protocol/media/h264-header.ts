import { BitReader, withoutEmulation } from './bit-reader';
import type { VideoHeader } from './codec-headers';

const SPS = 7;
/** The profiles whose parameter sets describe chroma and bit depth (H.264 section 7.3.2.1.1). */
const WITH_CHROMA = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
const MAX_CYCLE = 255;
const EXTENDED_ASPECT = 255;
/** Table E-1: width and height of a pixel by aspect_ratio_idc. */
const ASPECTS: readonly (readonly [wide: number, high: number])[] = [
  ...([
    [0, 0],
    [1, 1],
    [12, 11],
    [10, 11],
    [16, 11],
    [40, 33],
    [24, 11],
    [20, 11],
    [32, 11],
  ] as const),
  ...([
    [80, 33],
    [18, 11],
    [15, 11],
    [64, 33],
    [160, 99],
    [4, 3],
    [3, 2],
    [2, 1],
  ] as const),
];

/** Reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1); undefined when it cannot be read. */
export function readAvcRecord(record: Uint8Array): VideoHeader | undefined {
  if (record.length < 8 || record[0] !== 1 || (record[5]! & 0x1f) === 0) return undefined;
  const length = record[6]! * 256 + record[7]!;
  return readH264Sps(record.subarray(8, 8 + length));
}

/** Reads a sequence parameter set (H.264 section 7.3.2.1), a NAL unit. */
export function readH264Sps(nal: Uint8Array): VideoHeader | undefined {
  if ((nal[0]! & 0x1f) !== SPS) return undefined;
  const bits = new BitReader(withoutEmulation(nal.subarray(1)));
  const profile = bits.bits(8);
  const constraints = bits.bits(8);
  bits.skip(8);
  bits.unsigned();
  let chroma = 1;
  let isSeparate = false;
  let bitDepth = 8;
  if (WITH_CHROMA.has(profile)) {
    chroma = bits.unsigned();
    isSeparate = chroma === 3 && bits.flag();
    bitDepth = 8 + bits.unsigned();
    bits.unsigned();
    bits.skip(1);
    if (bits.flag()) skipScalingLists(bits, chroma === 3 ? 12 : 8);
  }
  bits.unsigned();
  skipPictureOrder(bits);
  bits.unsigned();
  bits.skip(1);
  const widthInBlocks = bits.unsigned() + 1;
  const heightInUnits = bits.unsigned() + 1;
  const fieldsPerFrame = bits.flag() ? 1 : 2;
  if (fieldsPerFrame === 2) bits.skip(1);
  bits.skip(1);
  const hasChroma = chroma > 0 && !isSeparate;
  const cropX = hasChroma && chroma < 3 ? 2 : 1;
  const cropY = (hasChroma && chroma === 1 ? 2 : 1) * fieldsPerFrame;
  const isCropped = bits.flag();
  const cropped = [0, 0, 0, 0].map(() => (isCropped ? bits.unsigned() : 0));
  const width = 16 * widthInBlocks - cropX * (cropped[0]! + cropped[1]!);
  const height = 16 * heightInUnits * fieldsPerFrame - cropY * (cropped[2]! + cropped[3]!);
  if (bits.isOverrun || width <= 0 || height <= 0 || chroma > 3 || bitDepth > 14) return undefined;
  return {
    profile: profileName(profile, constraints),
    width,
    height,
    pixelAspect: readPixelAspect(bits),
    isInterlaced: fieldsPerFrame === 2,
    chroma,
    bitDepth,
  };
}

function skipScalingLists(bits: BitReader, count: number): void {
  for (let list = 0; list < count && !bits.isOverrun; list += 1) {
    if (!bits.flag()) continue;
    let next = 8;
    for (let i = 0; i < (list < 6 ? 16 : 64) && next !== 0; i += 1) next = (next + bits.signed() + 256) % 256;
  }
}

function skipPictureOrder(bits: BitReader): void {
  const type = bits.unsigned();
  if (type === 0) bits.unsigned();
  if (type !== 1) return;
  bits.skip(1);
  bits.signed();
  bits.signed();
  const cycle = bits.unsigned();
  for (let i = 0; i < cycle && i < MAX_CYCLE && !bits.isOverrun; i += 1) bits.signed();
}

/** The pixel's shape in the video usability information (section E.1.1). */
function readPixelAspect(bits: BitReader): number {
  if (!bits.flag() || !bits.flag()) return 1;
  const index = bits.bits(8);
  const wide = index === EXTENDED_ASPECT ? bits.bits(16) : ASPECTS[index]?.[0];
  const high = index === EXTENDED_ASPECT ? bits.bits(16) : ASPECTS[index]?.[1];
  return !bits.isOverrun && wide && high ? wide / high : 1;
}

function profileName(profile: number, constraints: number): string {
  if (profile === 66) return (constraints & 0x40) === 0 ? 'Baseline' : 'Constrained Baseline';
  return PROFILES[profile] ?? `profile ${profile}`;
}

const PROFILES: Readonly<Record<number, string>> = {
  44: 'CAVLC 4:4:4 Intra',
  77: 'Main',
  88: 'Extended',
  100: 'High',
  110: 'High 10',
  122: 'High 4:2:2',
  244: 'High 4:4:4 Predictive',
};
