import { MultitrackKind } from './media-tag';

const MOD_EX = 7;
const VIDEO_MULTITRACK = 6;
const AUDIO_MULTITRACK = 5;
const AUDIO_EX_HEADER = 9;

/**
 * The main track's part of an audio or video message, as a separate message without a track id, for players without
 * multitrack support (Enhanced RTMP v2, ExVideoTagHeader and ExAudioTagHeader). A message that is no multitrack packet
 * is returned unchanged. Undefined when the message does not contain the main track, or cannot be read.
 */
export function mainTrackAlone(payload: Buffer, video: boolean, mainTrack: number): Buffer | undefined {
  const first = payload[0] ?? 0;
  if (video ? (first & 0x80) === 0 : first >> 4 !== AUDIO_EX_HEADER) return payload;
  const typeAt = packetTypeAt(payload);
  if (typeAt < 0) return undefined;
  const type = payload[typeAt]! & 0x0f;
  if (type !== (video ? VIDEO_MULTITRACK : AUDIO_MULTITRACK)) return payload;
  const part = findTrack(payload, typeAt + 1, mainTrack);
  if (part === undefined) return undefined;
  const head = Buffer.from(payload.subarray(0, typeAt + 1));
  // The packet's own type replaces Multitrack.
  head[typeAt] = (head[typeAt]! & 0xf0) | (payload[typeAt + 1]! & 0x0f);
  return Buffer.concat([head, part.fourCc, part.body]);
}

/** Offset of the packet type: in the first byte or, after ModEx packets, in the last byte of those; -1: cut short. */
export function packetTypeAt(payload: Buffer): number {
  let at = 0;
  while ((payload[at]! & 0x0f) === MOD_EX) {
    if (at + 4 > payload.length) return -1;
    const size = payload[at + 1]! + 1;
    at += size < 256 ? 2 + size : 4 + payload.readUInt16BE(at + 2) + 1;
    if (at >= payload.length) return -1;
  }
  return at;
}

interface TrackPart {
  readonly fourCc: Buffer;
  readonly body: Buffer;
}

/** Finds a track in the bytes after the packet type: kind and type in one byte, then codecs, ids, sizes and bodies. */
function findTrack(payload: Buffer, start: number, wanted: number): TrackPart | undefined {
  if (start + 6 > payload.length) return undefined;
  const kind = payload[start]! >> 4;
  let fourCc = payload.subarray(start + 1, start + 5);
  let at = start + 5;
  if (kind === MultitrackKind.OneTrack) {
    return payload[at] === wanted ? { fourCc, body: payload.subarray(at + 1) } : undefined;
  }
  if (kind > MultitrackKind.ManyTracksManyCodecs) return undefined;
  while (at + 4 <= payload.length) {
    const end = at + 4 + payload.readUIntBE(at + 1, 3);
    if (payload[at] === wanted)
      return end <= payload.length ? { fourCc, body: payload.subarray(at + 4, end) } : undefined;
    at = end;
    if (kind !== MultitrackKind.ManyTracksManyCodecs) continue;
    fourCc = payload.subarray(at, at + 4);
    at += 4;
  }
  return undefined;
}
