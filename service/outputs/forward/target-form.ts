import { mainTrackAlone, packetTypeAt } from '../../protocol/media/main-track';
import { codecName, MediaFlag, type MediaTag } from '../../protocol/media/media-tag';
import type { TargetSupport } from './target-support';

/** The target does not take the codec. The text is for people. */
export class CodecNotTaken {
  constructor(readonly codec: string) {}
}

const NAMES: Readonly<Record<string, string>> = {
  hvc1: 'HEVC',
  hev1: 'HEVC',
  av01: 'AV1',
  vp09: 'VP9',
  vp08: 'VP8',
  vvc1: 'VVC',
  fLaC: 'FLAC',
  'ac-3': 'AC-3',
  'ec-3': 'E-AC-3',
};

/** Packet types of Enhanced RTMP that have a form in legacy tags. */
const Packet = { SequenceStart: 0, CodedFrames: 1, SequenceEnd: 2, CodedFramesX: 3 } as const;
const FOUR_CC_BYTES = 4;
const AUDIO_EX = 9;
/** Codec ids of legacy tags that no specification has: encoders of some countries use them. */
const LEGACY_FOUR_CC: Readonly<Record<number, string>> = { 12: 'hvc1', 13: 'av01' };
/** The FourCC whose frames carry a composition time. */
const WITH_COMPOSITION_TIME = new Set(['avc1', 'hvc1', 'vvc1']);
const LEGACY_AVC = 7;
/** Sound format, 44 kHz, 16 bit, stereo: AAC's header says what is true. */
const LEGACY_AAC = 0xaf;
const LEGACY_MP3 = 0x2f;

/**
 * The form of an audio or video message that the target takes: the message itself wherever possible. Only the tag in
 * front of the codec's data differs. Undefined: the target gets nothing for this message.
 */
export function formForTarget(
  payload: Buffer,
  tag: MediaTag,
  support: TargetSupport,
): Buffer | CodecNotTaken | undefined {
  const video = (tag.flags & MediaFlag.Video) !== 0;
  const first = payload[0] ?? 0;
  if (!(video ? (first & 0x80) !== 0 : first >> 4 === AUDIO_EX)) {
    const fourCc = video ? LEGACY_FOUR_CC[first & 0x0f] : undefined;
    return fourCc === undefined ? payload : asEnhanced(payload, fourCc, support);
  }
  if (support.multitrack && goesWrapped(tag, video, support)) return payload;
  const alone = mainTrackAlone(payload, video, video ? tag.mainVideoTrack : tag.mainAudioTrack);
  if (alone === undefined) return undefined;
  const typeAt = packetTypeAt(alone);
  if (typeAt < 0 || alone.length < typeAt + 1 + FOUR_CC_BYTES) return undefined;
  const fourCc = alone.toString('latin1', typeAt + 1, typeAt + 1 + FOUR_CC_BYTES);
  const plain = support.modEx || typeAt === 0 ? alone : withoutModEx(alone, typeAt);
  if (support.announces(fourCc, video)) return plain;
  const legacy = asLegacy(alone, typeAt, fourCc);
  if (legacy !== null) return legacy;
  return support.refuses(fourCc, video) ? new CodecNotTaken(NAMES[fourCc] ?? fourCc) : plain;
}

/** Multitrack packets stay as they are, unless the target does not take the main track's codec in that form. */
function goesWrapped({ flags, codec }: MediaTag, video: boolean, support: TargetSupport): boolean {
  if ((flags & MediaFlag.SideTrack) !== 0) return true;
  return (flags & MediaFlag.WrappedMain) !== 0 && !support.refuses(codecName(codec, video), video);
}

/** The packet type in the first byte, without the ModEx packets before it. */
function withoutModEx(message: Buffer, typeAt: number): Buffer {
  const plain = Buffer.from(message.subarray(typeAt));
  plain[0] = (message[0]! & 0xf0) | (message[typeAt]! & 0x0f);
  return plain;
}

/** A legacy tag with a codec id outside of the specification: as Enhanced RTMP, where the target announces that. */
function asEnhanced(message: Buffer, fourCc: string, support: TargetSupport): Buffer | CodecNotTaken | undefined {
  if (support.refuses(fourCc, true)) return new CodecNotTaken(NAMES[fourCc] ?? fourCc);
  if (!support.announces(fourCc, true)) return message;
  if (message.length < 5) return undefined;
  const packetType = message[1]!;
  if (packetType > Packet.SequenceEnd) return undefined;
  const head = Buffer.from([0x80 | (message[0]! & 0x70) | packetType]);
  const hasTime = packetType === Packet.CodedFrames && WITH_COMPOSITION_TIME.has(fourCc);
  return Buffer.concat([head, Buffer.from(fourCc, 'latin1'), message.subarray(hasTime ? 2 : 5)]);
}

/** The message with a legacy tag; undefined: that form has no such packet; null: it has no such codec. */
function asLegacy(message: Buffer, typeAt: number, fourCc: string): Buffer | undefined | null {
  const packetType = message[typeAt]! & 0x0f;
  const body = message.subarray(typeAt + 1 + FOUR_CC_BYTES);
  if (fourCc === 'avc1') {
    if (packetType > Packet.CodedFramesX) return undefined;
    const frameType = message[0]! & 0x70;
    const coded = packetType === Packet.CodedFrames || packetType === Packet.CodedFramesX;
    const head = [frameType | LEGACY_AVC, coded ? Packet.CodedFrames : packetType];
    const time = packetType === Packet.CodedFrames ? [] : [0, 0, 0];
    return Buffer.concat([Buffer.from([...head, ...time]), body]);
  }
  if (fourCc !== 'mp4a' && fourCc !== '.mp3') return null;
  if (packetType > Packet.CodedFrames) return undefined;
  return Buffer.concat([Buffer.from(fourCc === 'mp4a' ? [LEGACY_AAC, packetType] : [LEGACY_MP3]), body]);
}
