/**
 * Reads the tag in the first bytes of an audio or video message: legacy FLV tags (Adobe FLV 10.1 annex E) and Enhanced
 * RTMP v1 and v2 (Veovera). Tags are only read, never changed: payloads pass through bit for bit.
 */

/** Facts about a message that fan-out and the GOP cache depend on, as bits. */
export const MediaFlag = {
  Audio: 1,
  Video: 2,
  Data: 4,
  /** A video frame that a decoder can start from. */
  Keyframe: 8,
  /** A sequence header or codec metadata: late players need it before anything else. */
  Config: 16,
  /** The kind of `Config` that decoding depends on: frames after a changed sequence header need the new one. */
  SequenceHeader: 32,
  /** Contains tracks other than the main track, and not the main track. */
  SideTrack: 64,
  /** A multitrack packet that contains the main track, alone or among others. */
  WrappedMain: 128,
} as const;

/** Above every track id. */
const NO_TRACK = 256;

/** The result of `readVideoTag` and `readAudioTag`; one instance is reused for all messages of a stream. */
export class MediaTag {
  flags = 0;
  /** Which stored configuration a `Config` message replaces: media, track and packet type. */
  configKey = 0;
  /**
   * FourCC as a big-endian number, or the legacy codec id (below 16) of the stream's main track; -1 when the tag names
   * no codec or belongs to another track.
   */
  codec = -1;
  /** The lowest track ids so far: the main tracks, whose keyframes and codecs count as the stream's. */
  mainVideoTrack = NO_TRACK;
  mainAudioTrack = NO_TRACK;
}

const LEGACY_VIDEO: Readonly<Record<number, string>> = {
  2: 'h263',
  3: 'screen',
  4: 'vp6',
  5: 'vp6a',
  6: 'screen2',
  7: 'avc1',
  12: 'hvc1',
  13: 'av01',
};
const LEGACY_AUDIO: Readonly<Record<number, string>> = {
  0: 'pcm',
  1: 'adpcm',
  2: '.mp3',
  3: 'pcm',
  4: 'nellymoser',
  5: 'nellymoser',
  6: 'nellymoser',
  7: 'g711a',
  8: 'g711u',
  10: 'mp4a',
  11: 'speex',
  14: '.mp3',
};
/** Legacy codec ids whose second byte is a packet type, 0 being the sequence header. */
const PACKETIZED_VIDEO = new Set([7, 12, 13]);
const AAC = 10;
/**
 * Tag, packet type and, for video, composition time. Encoders that do not know their configuration yet send an empty
 * sequence header: late players cannot use it, and the real header that follows does not replace anything.
 */
const LEGACY_AAC_HEADER_BYTES = 2;
const LEGACY_VIDEO_HEADER_BYTES = 5;

const EnhancedPacket = {
  SequenceStart: 0,
  Metadata: 4,
  /** MPEG-2 TS sequence start; only in video, since the same value is Multitrack in audio. */
  VideoTsSequenceStart: 5,
  VideoMultitrack: 6,
  AudioMultichannelConfig: 4,
  AudioMultitrack: 5,
  ModEx: 7,
} as const;
/** Enhanced RTMP v2, AvMultitrackType. */
export const MultitrackKind = { OneTrack: 0, ManyTracks: 1, ManyTracksManyCodecs: 2 } as const;

const KEYFRAME = 1;
const COMMAND_FRAME = 5;
const AUDIO_EX_HEADER = 9;

/** Reads the first bytes `bytes[start, end)` of a video message. An empty message gets only the Video flag. */
export function readVideoTag(bytes: Buffer, start: number, end: number, tag: MediaTag): void {
  tag.flags = MediaFlag.Video;
  tag.codec = -1;
  tag.configKey = 0;
  if (start >= end) return;
  const first = bytes[start]!;
  if ((first & 0x80) !== 0) {
    readEnhanced(bytes, start, end, tag, true);
    return;
  }
  const codecId = first & 0x0f;
  tag.codec = codecId;
  tag.mainVideoTrack = 0;
  const frameType = first >> 4;
  // A command to the player (FLV 10.1, E.4.3.1), not a picture; in AVC after packet type and composition time.
  if (frameType === COMMAND_FRAME) return;
  if (PACKETIZED_VIDEO.has(codecId)) {
    const packetType = start + 1 < end ? bytes[start + 1]! : 1;
    if (packetType === 0) {
      if (start + LEGACY_VIDEO_HEADER_BYTES >= end) return;
      tag.flags |= MediaFlag.Config | MediaFlag.SequenceHeader;
      tag.configKey = configKey(true, 0, 0);
      return;
    }
    if (packetType !== 1) return;
  }
  if (frameType === KEYFRAME) tag.flags |= MediaFlag.Keyframe;
}

/** Reads the first bytes `bytes[start, end)` of an audio message. */
export function readAudioTag(bytes: Buffer, start: number, end: number, tag: MediaTag): void {
  tag.flags = MediaFlag.Audio;
  tag.codec = -1;
  tag.configKey = 0;
  if (start >= end) return;
  const format = bytes[start]! >> 4;
  if (format === AUDIO_EX_HEADER) {
    readEnhanced(bytes, start, end, tag, false);
    return;
  }
  tag.codec = format;
  tag.mainAudioTrack = 0;
  if (format === AAC && start + LEGACY_AAC_HEADER_BYTES < end && bytes[start + 1] === 0) {
    tag.flags |= MediaFlag.Config | MediaFlag.SequenceHeader;
    tag.configKey = configKey(false, 0, 0);
  }
}

/** Enhanced RTMP v2, "Enhanced Video" and "Enhanced Audio": ExVideoTagHeader and ExAudioTagHeader. */
function readEnhanced(bytes: Buffer, start: number, end: number, tag: MediaTag, video: boolean): void {
  const frameType = video ? (bytes[start]! >> 4) & 0x07 : 0;
  let packetType = bytes[start]! & 0x0f;
  let at = start + 1;
  while (packetType === EnhancedPacket.ModEx) {
    if (at >= end) return;
    let size = bytes[at]! + 1;
    at += 1;
    if (size === 256) {
      if (at + 2 > end) return;
      size = bytes.readUInt16BE(at) + 1;
      at += 2;
    }
    at += size;
    if (at >= end) return;
    packetType = bytes[at]! & 0x0f;
    at += 1;
  }
  if (video && frameType === COMMAND_FRAME && packetType !== EnhancedPacket.Metadata) return;
  let track = 0;
  let kind: number = MultitrackKind.OneTrack;
  let main: boolean;
  if (packetType === (video ? EnhancedPacket.VideoMultitrack : EnhancedPacket.AudioMultitrack)) {
    if (at >= end) return;
    kind = bytes[at]! >> 4;
    packetType = bytes[at]! & 0x0f;
    at += 1;
    if (at + 5 > end) return;
    track = bytes[at + 4]!;
    main = readTracks(bytes, at, end, kind, tag, video);
    tag.flags |= main ? MediaFlag.WrappedMain : MediaFlag.SideTrack;
  } else {
    if (at + 4 > end) return;
    tag.codec = bytes.readUInt32BE(at);
    main = isMainTrack(0, tag, video);
  }
  const sequence =
    packetType === EnhancedPacket.SequenceStart || (video && packetType === EnhancedPacket.VideoTsSequenceStart);
  const extra = video ? EnhancedPacket.Metadata : EnhancedPacket.AudioMultichannelConfig;
  if (sequence || packetType === extra) {
    tag.flags |= sequence ? MediaFlag.Config | MediaFlag.SequenceHeader : MediaFlag.Config;
    tag.configKey = configKey(video, track + 256 * kind, packetType);
  } else if (frameType === KEYFRAME && (packetType === 1 || packetType === 3) && main) {
    // Side tracks depend on the main track: their keyframes must not restart a player.
    tag.flags |= MediaFlag.Keyframe;
  }
}

/**
 * Looks for the main track among the tracks of a multitrack packet, which begin at `start`, and notes its codec. A
 * packet that is cut short or of an unknown kind counts as containing the main track, so that it is not left out by
 * mistake.
 */
function readTracks(bytes: Buffer, start: number, end: number, kind: number, tag: MediaTag, video: boolean): boolean {
  let codec = bytes.readUInt32BE(start);
  let at = start + 4;
  if (kind === MultitrackKind.OneTrack || kind > MultitrackKind.ManyTracksManyCodecs) {
    const main = kind !== MultitrackKind.OneTrack || isMainTrack(bytes[at]!, tag, video);
    if (main) tag.codec = codec;
    return main;
  }
  let main = false;
  for (;;) {
    if (isMainTrack(bytes[at]!, tag, video)) {
      main = true;
      tag.codec = codec;
    }
    if (at + 4 > end) return true;
    at += 4 + bytes.readUIntBE(at + 1, 3);
    if (at > end) return true;
    if (at === end) return main;
    if (kind === MultitrackKind.ManyTracksManyCodecs) {
      if (at + 5 > end) return true;
      codec = bytes.readUInt32BE(at);
      at += 4;
    }
  }
}

function isMainTrack(track: number, tag: MediaTag, video: boolean): boolean {
  if (video) {
    if (track < tag.mainVideoTrack) tag.mainVideoTrack = track;
    return track === tag.mainVideoTrack;
  }
  if (track < tag.mainAudioTrack) tag.mainAudioTrack = track;
  return track === tag.mainAudioTrack;
}

/** The FourCC, or the FourCC-like name of a legacy codec id; empty when there is none. */
export function codecName(codec: number, video: boolean): string {
  if (codec < 0) return '';
  if (codec < 16) return (video ? LEGACY_VIDEO : LEGACY_AUDIO)[codec] ?? `legacy-${codec}`;
  const name = String.fromCharCode(codec >>> 24, (codec >>> 16) & 0xff, (codec >>> 8) & 0xff, codec & 0xff);
  return /^[\x20-\x7e]{4}$/.test(name) ? name : codec.toString(16);
}

/** Audio before video, then by track: the order in which players get them. */
function configKey(video: boolean, track: number, packetType: number): number {
  return (video ? 0x10000 : 0) + track * 16 + packetType;
}
