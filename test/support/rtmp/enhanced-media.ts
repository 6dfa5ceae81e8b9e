import { content } from './media';

/**
 * Bodies of enhanced RTMP messages (E-RTMP v1 and v2): fourCC video and audio, multitrack, ModEx.
 * Frames hold a label, see media.ts.
 */
export const VideoPacketType = {
  sequenceStart: 0,
  codedFrames: 1,
  sequenceEnd: 2,
  codedFramesX: 3,
  metadata: 4,
  mpeg2TsSequenceStart: 5,
  multitrack: 6,
  modEx: 7,
} as const;

export const AudioPacketType = {
  sequenceStart: 0,
  codedFrames: 1,
  sequenceEnd: 2,
  multichannelConfig: 4,
  multitrack: 5,
  modEx: 7,
} as const;

const key = 1;
const inter = 2;

function videoHeader(frameType: number, packetType: number): number {
  return 0x80 | (frameType << 4) | packetType;
}

const uint24 = (value: number): Buffer => Buffer.of((value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);

/** CodedFrames of these two carry a composition time; the others never do. */
const hasCompositionTime = (fourCc: string): boolean => fourCc === 'avc1' || fourCc === 'hvc1' || fourCc === 'vvc1';

/** Video of one fourCC: `fourCcVideo('hvc1').keyframe('k0')`. */
export function fourCcVideo(fourCc: string) {
  const packet = (frameType: number, packetType: number, body: Buffer): Buffer =>
    Buffer.concat([Buffer.of(videoHeader(frameType, packetType)), Buffer.from(fourCc), body]);
  const coded = (frameType: number, label: string, size?: number): Buffer =>
    packet(
      frameType,
      VideoPacketType.codedFrames,
      Buffer.concat([hasCompositionTime(fourCc) ? uint24(0) : Buffer.alloc(0), content(label, size)]),
    );
  return {
    sequenceStart: (record = content(`${fourCc}-config`)): Buffer => packet(key, VideoPacketType.sequenceStart, record),
    keyframe: (label: string, size?: number): Buffer => coded(key, label, size),
    interFrame: (label: string, size?: number): Buffer => coded(inter, label, size),
    /** CodedFramesX: composition time 0, left out. */
    keyframeX: (label: string, size?: number): Buffer =>
      packet(key, VideoPacketType.codedFramesX, content(label, size)),
    interFrameX: (label: string, size?: number): Buffer =>
      packet(inter, VideoPacketType.codedFramesX, content(label, size)),
    sequenceEnd: (): Buffer => packet(key, VideoPacketType.sequenceEnd, Buffer.alloc(0)),
    /** AMF0 values, such as `colorInfo` for HDR. */
    metadata: (amf: Buffer): Buffer => packet(key, VideoPacketType.metadata, amf),
  };
}

/** Audio of one fourCC: `fourCcAudio('Opus').frame('a0')`. */
export function fourCcAudio(fourCc: string) {
  const packet = (packetType: number, body: Buffer): Buffer =>
    Buffer.concat([Buffer.of(0x90 | packetType), Buffer.from(fourCc), body]);
  return {
    sequenceStart: (record = content(`${fourCc}-config`)): Buffer => packet(AudioPacketType.sequenceStart, record),
    frame: (label: string, size?: number): Buffer => packet(AudioPacketType.codedFrames, content(label, size)),
    multichannelConfig: (body: Buffer): Buffer => packet(AudioPacketType.multichannelConfig, body),
    sequenceEnd: (): Buffer => packet(AudioPacketType.sequenceEnd, Buffer.alloc(0)),
  };
}

/** The three AvMultitrackTypes. */
const multitrackType = { oneTrack: 0, manyTracks: 1, manyTracksManyCodecs: 2 } as const;

export interface Track {
  readonly id: number;
  readonly fourCc: string;
  readonly body: Buffer;
}

/** OneTrack: a single track with its id, which is how OBS sends each of its video tracks. */
export function videoOneTrack(packetType: number, track: Track, isKeyframe = true): Buffer {
  return Buffer.concat([
    Buffer.of(videoHeader(isKeyframe ? key : inter, VideoPacketType.multitrack)),
    oneTrack(packetType, track),
  ]);
}

export function audioOneTrack(packetType: number, track: Track): Buffer {
  return Buffer.concat([Buffer.of(0x90 | AudioPacketType.multitrack), oneTrack(packetType, track)]);
}

function oneTrack(packetType: number, { id, fourCc, body }: Track): Buffer {
  const header = Buffer.of((multitrackType.oneTrack << 4) | packetType);
  return Buffer.concat([header, Buffer.from(fourCc), Buffer.of(id), body]);
}

/** ManyTracks when all share a codec, else ManyTracksManyCodecs. */
export function videoManyTracks(packetType: number, tracks: readonly Track[], isKeyframe = true): Buffer {
  return Buffer.concat([
    Buffer.of(videoHeader(isKeyframe ? key : inter, VideoPacketType.multitrack)),
    manyTracks(packetType, tracks),
  ]);
}

export function audioManyTracks(packetType: number, tracks: readonly Track[]): Buffer {
  return Buffer.concat([Buffer.of(0x90 | AudioPacketType.multitrack), manyTracks(packetType, tracks)]);
}

function manyTracks(packetType: number, tracks: readonly Track[]): Buffer {
  const shared = new Set(tracks.map(({ fourCc }) => fourCc)).size === 1 ? tracks[0]!.fourCc : undefined;
  const kind = shared === undefined ? multitrackType.manyTracksManyCodecs : multitrackType.manyTracks;
  const parts = tracks.map(({ id, fourCc, body }) =>
    Buffer.concat([Buffer.from(shared === undefined ? fourCc : ''), Buffer.of(id), uint24(body.length), body]),
  );
  return Buffer.concat([Buffer.of((kind << 4) | packetType), Buffer.from(shared ?? ''), ...parts]);
}

/**
 * A ModEx packet: `data` (1..65536 bytes) of the given type (0: nanoseconds to add to the timestamp), then the packet
 * that it modifies, which is given as a packet without ModEx (its packet type moves behind the data).
 */
export function withModEx(packet: Buffer, data: Buffer = uint24(123_456), type = 0): Buffer {
  const size =
    data.length < 256 ? Buffer.of(data.length - 1) : Buffer.of(0xff, (data.length - 1) >> 8, (data.length - 1) & 0xff);
  const head = Buffer.of((packet[0]! & 0xf0) | VideoPacketType.modEx); // the same number for audio;
  return Buffer.concat([head, size, data, Buffer.of((type << 4) | (packet[0]! & 0x0f)), packet.subarray(1)]);
}
