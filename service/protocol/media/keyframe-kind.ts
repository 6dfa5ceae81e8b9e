/** NAL units before a keyframe's picture that are looked at: delimiters, parameter sets, messages. */
const MAX_NALS = 32;
const LENGTH_BYTES = 4;

/** NAL unit types of H.264 that hold a part of a picture (table 7-1). */
const NON_IDR = 1;
const IDR = 5;

/**
 * Whether a decoder of H.264 can start at this keyframe without frames before it: the picture is an IDR picture
 * (NAL unit type 5 in H.264, table 7-1). Undefined when its first NAL units do not tell.
 *
 * @param frame the beginning of the frame, as length-prefixed NAL units of four bytes of length
 */
export function isClosedH264(frame: Buffer): boolean | undefined {
  let at = 0;
  for (let i = 0; i < MAX_NALS && at + LENGTH_BYTES < frame.length; i += 1) {
    const type = frame[at + LENGTH_BYTES]! & 0x1f;
    if (type === IDR) return true;
    if (type === NON_IDR) return false;
    at += LENGTH_BYTES + frame.readUInt32BE(at);
  }
  return undefined;
}
