import { lowestTrackIn, mainTrackAlone, packetTypeAt } from '../../protocol/media/main-track';
import { codecName, MediaFlag } from '../../protocol/media/media-tag';

/** What a message of the main track contains, without the tag. */
export interface Frame {
  readonly isVideo: boolean;
  /** FourCC, or the FourCC-like name of a legacy codec, as in `codecName`. */
  readonly codec: string;
  /** A sequence header rather than a frame. */
  readonly isHeader: boolean;
  readonly isKey: boolean;
  /** Decode time (ms), the message's timestamp. */
  readonly time: number;
  /** From decode time to presentation time (ms); may be negative. */
  readonly offset: number;
  readonly data: Buffer;
}

const AUDIO_EX_HEADER = 9;
/** Codecs with a packet type in the second byte of a legacy tag: AVC, HEVC, AV1 and AAC. */
const PACKETIZED = new Set([7, 12, 13]);
const AAC = 10;
/** Packet types of Enhanced RTMP. */
const SEQUENCE_START = 0;
const CODED_FRAMES = 1;
const CODED_FRAMES_X = 3;
const WITH_OFFSET = new Set(['avc1', 'hvc1']);

/**
 * Reads an audio or video message: legacy FLV tags and Enhanced RTMP, the main track of multitrack packets. Undefined
 * for everything else: commands, ends of sequence, metadata, side tracks, and messages that are cut short.
 *
 * @param flags bits of `MediaFlag`
 */
export function readFrame(payload: Buffer, time: number, isVideo: boolean, flags: number): Frame | undefined {
  if ((flags & MediaFlag.SideTrack) !== 0) return undefined;
  const alone =
    (flags & MediaFlag.WrappedMain) !== 0 ? mainTrackAlone(payload, isVideo, lowestTrackIn(payload, isVideo)) : payload;
  if (alone === undefined || alone.length < 2) return undefined;
  const first = alone[0]!;
  const isKey = !isVideo || (flags & MediaFlag.Keyframe) !== 0;
  if (isVideo ? (first & 0x80) !== 0 : first >> 4 === AUDIO_EX_HEADER) return enhanced(alone, time, isVideo, isKey);
  const id = isVideo ? first & 0x0f : first >> 4;
  const codec = codecName(id, isVideo);
  if (!isVideo) {
    if (id !== AAC) return { isVideo, codec, isHeader: false, isKey, time, offset: 0, data: alone.subarray(1) };
    return content({ isVideo, codec, isHeader: alone[1] === 0, isKey, time, offset: 0, data: alone.subarray(2) });
  }
  if (!PACKETIZED.has(id)) return { isVideo, codec, isHeader: false, isKey, time, offset: 0, data: alone.subarray(1) };
  const type = alone[1]!;
  if (type > 1 || alone.length < 5) return undefined;
  const offset = type === 1 ? alone.readIntBE(2, 3) : 0;
  return content({ isVideo, codec, isHeader: type === 0, isKey, time, offset, data: alone.subarray(5) });
}

function enhanced(alone: Buffer, time: number, isVideo: boolean, isKey: boolean): Frame | undefined {
  const typeAt = packetTypeAt(alone);
  if (typeAt < 0 || typeAt + 5 > alone.length) return undefined;
  const type = alone[typeAt]! & 0x0f;
  const codec = alone.toString('latin1', typeAt + 1, typeAt + 5);
  let at = typeAt + 5;
  let offset = 0;
  if (type === CODED_FRAMES && isVideo && WITH_OFFSET.has(codec)) {
    if (at + 3 > alone.length) return undefined;
    offset = alone.readIntBE(at, 3);
    at += 3;
  } else if (type !== SEQUENCE_START && type !== CODED_FRAMES && !(isVideo && type === CODED_FRAMES_X)) {
    return undefined;
  }
  return content({ isVideo, codec, isHeader: type === SEQUENCE_START, isKey, time, offset, data: alone.subarray(at) });
}

function content(frame: Frame): Frame | undefined {
  const { data, codec } = frame;
  // A temporal delimiter has no place in a sample (AV1 in ISO Base Media File Format section 2.4).
  const starts = codec === 'av01' && data.length > 2 && data[0] === 0x12 && data[1] === 0;
  if (starts) return { ...frame, data: data.subarray(2) };
  return data.length > 0 ? frame : undefined;
}
