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
  const ownType = payload[typeAt + 1]! & 0x0f;
  // The specification forbids Multitrack within Multitrack. ModEx within it no parser looks for: in ExVideoTagHeader
  // and ExAudioTagHeader it comes before Multitrack.
  if (ownType === MOD_EX || ownType === type) return undefined;
  const head = Buffer.from(payload.subarray(0, typeAt + 1));
  // The packet's own type replaces Multitrack.
  head[typeAt] = (head[typeAt]! & 0xf0) | ownType;
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

/** The lowest id among the complete tracks of a multitrack packet; 0 if there is none. */
export function lowestTrackIn(payload: Buffer, video: boolean): number {
  const typeAt = packetTypeAt(payload);
  if (typeAt < 0 || (payload[typeAt]! & 0x0f) !== (video ? VIDEO_MULTITRACK : AUDIO_MULTITRACK)) return 0;
  let lowest = Infinity;
  eachTrack(payload, typeAt + 1, ({ id, end }) => {
    if (end <= payload.length && id < lowest) lowest = id;
    return lowest > 0;
  });
  return lowest === Infinity ? 0 : lowest;
}

interface TrackPart {
  readonly fourCc: Buffer;
  readonly body: Buffer;
}

function findTrack(payload: Buffer, start: number, wanted: number): TrackPart | undefined {
  let found: TrackPart | undefined;
  eachTrack(payload, start, ({ id, fourCcAt, from, end }) => {
    if (id !== wanted) return true;
    if (end <= payload.length)
      found = { fourCc: payload.subarray(fourCcAt, fourCcAt + 4), body: payload.subarray(from, end) };
    return false;
  });
  return found;
}

interface TrackPlace {
  readonly id: number;
  readonly fourCcAt: number;
  /** Of the body. */
  readonly from: number;
  /** Behind the payload's end where the track is cut short. */
  readonly end: number;
}

/**
 * Reads the bytes after the packet type: kind and type in one byte, then codecs, ids, sizes and bodies.
 *
 * @param visit false: no further track is read
 */
function eachTrack(payload: Buffer, start: number, visit: (place: TrackPlace) => boolean): void {
  if (start + 6 > payload.length) return;
  const kind = payload[start]! >> 4;
  let fourCcAt = start + 1;
  let at = start + 5;
  if (kind === MultitrackKind.OneTrack) {
    visit({ id: payload[at]!, fourCcAt, from: at + 1, end: payload.length });
    return;
  }
  if (kind > MultitrackKind.ManyTracksManyCodecs) return;
  while (at + 4 <= payload.length) {
    const end = at + 4 + payload.readUIntBE(at + 1, 3);
    if (!visit({ id: payload[at]!, fourCcAt, from: at + 4, end })) return;
    at = end;
    if (kind !== MultitrackKind.ManyTracksManyCodecs) continue;
    fourCcAt = at;
    at += 4;
  }
}
