import { BitReader } from './bit-reader';
import type { VideoHeader } from './codec-headers';

const CHROMA = [1, 1, 2, 3];

/**
 * Reads a VPCodecConfigurationRecord (VP Codec ISO Media File Format Binding), which some encoders send with the four
 * bytes of version and flags that stand before it in a file. It does not contain the picture's size, see
 * `readVp9Keyframe`.
 */
export function readVp9Record(record: Uint8Array): VideoHeader | undefined {
  const at = record[0] === 1 && record[1] === 0 && record[2] === 0 && record[3] === 0 ? 4 : 0;
  if (record.length < at + 3) return undefined;
  const packed = record[at + 2]!;
  return {
    profile: `Profile ${record[at]!}`,
    width: undefined,
    height: undefined,
    pixelAspect: 1,
    isInterlaced: false,
    chroma: CHROMA[(packed >> 1) & 7] ?? 1,
    bitDepth: packed >> 4,
  };
}

const MARKER = 2;
const SYNC_CODE = 0x498342;
const RGB = 7;

/** The picture's size from the uncompressed header of a keyframe (VP9 section 6.2); undefined when it is none. */
export function readVp9Keyframe(frame: Uint8Array): { width: number; height: number } | undefined {
  const bits = new BitReader(frame);
  if (bits.bits(2) !== MARKER) return undefined;
  const profile = bits.bits(1) + 2 * bits.bits(1);
  if (profile === 3) bits.skip(1);
  // show_existing_frame, frame_type (0 is a keyframe), show_frame, error_resilient_mode
  if (bits.flag() || bits.flag()) return undefined;
  bits.skip(2);
  if (bits.bits(24) !== SYNC_CODE) return undefined;
  if (profile >= 2) bits.skip(1);
  const colors = bits.bits(3);
  if (colors !== RGB) bits.skip(profile % 2 === 1 ? 4 : 1);
  else if (profile % 2 === 1) bits.skip(1);
  const width = bits.bits(16) + 1;
  const height = bits.bits(16) + 1;
  return bits.isOverrun ? undefined : { width, height };
}
