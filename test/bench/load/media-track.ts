import { messageType } from '../wire/chunk-encoding';
import { STAMP_BYTES } from './message-stamp';

/**
 * The synthetic media of one publisher: 4 Mbps of H.264-like video at 30 frames a second with a 119 KB keyframe every
 * 60 frames, and 128 kbps of 48 kHz AAC-like audio: 77 messages a second. Contents repeat, so that publisher and
 * players share one copy of them and a player can check every byte.
 */
export interface MediaTrack {
  readonly type: number;
  readonly chunkStreamId: number;
  readonly messagesPerSecond: number;
  /** Codec configuration, sent once before the first message. */
  readonly sequenceHeader: Buffer;
  /** Message `n` has the content `payloads[n % payloads.length]`, except for its stamp. */
  readonly payloads: readonly Buffer[];
}

export const VIDEO_FRAMES_PER_SECOND = 30;
const GOP_FRAMES = 60;
const KEYFRAME_BYTES = 119_000;
const GOP_BYTES = 1_000_000;
const AUDIO_SAMPLE_RATE = 48_000;
const AUDIO_SAMPLES_PER_MESSAGE = 1024;
const AUDIO_BYTES = 341;
const AUDIO_VARIANTS = 16;
/** Of x264: High profile 4.0, 1920 x 1080, 30 frames a second, frames in the order in which they are shown. */
const SPS = Buffer.from('67640028acb200f0044fcb8088000003000800000301e078c19240', 'hex');
const PPS = Buffer.from('68ebc3cb22c0', 'hex');
const KEYFRAME = 0x17;
const INTER_FRAME = 0x27;
/** Behind the tag's header, the NAL unit's length and its first byte. */
const STAMP_OFFSET = 10;
const KEYFRAME_STAMP_OFFSET = STAMP_OFFSET + 4 + SPS.length + 4 + PPS.length;
/** Payload bytes up to the end of any message's stamp. */
export const STAMPED_HEAD_BYTES = KEYFRAME_STAMP_OFFSET + STAMP_BYTES;

/** Timestamp of a track's message in milliseconds, as an encoder rounds it. */
export function timestampMs(track: MediaTrack, sequence: number): number {
  return Math.floor((sequence * 1000) / track.messagesPerSecond);
}

/**
 * Where a message that begins with this byte carries its stamp: in the picture or the sound itself, because servers may
 * write all that is in front of it anew. Keyframes repeat SPS and PPS, as what some servers send does anyway.
 */
export function stampOffset(firstByte: number): number {
  return firstByte === KEYFRAME ? KEYFRAME_STAMP_OFFSET : STAMP_OFFSET;
}

export const videoTrack: MediaTrack = {
  type: messageType.video,
  chunkStreamId: 6,
  messagesPerSecond: VIDEO_FRAMES_PER_SECOND,
  // AVCDecoderConfigurationRecord: one SPS, one PPS, 4:2:0 with 8 bits.
  sequenceHeader: Buffer.concat([
    Buffer.from([KEYFRAME, 0, 0, 0, 0, 1, ...SPS.subarray(1, 4), 0xff, 0xe1, 0, SPS.length]),
    SPS,
    Buffer.from([1, 0, PPS.length]),
    PPS,
    Buffer.from([0xfd, 0xf8, 0xf8, 0]),
  ]),
  payloads: Array.from({ length: GOP_FRAMES }, (_, frame) => videoPayload(frame)),
};

export const audioTrack: MediaTrack = {
  type: messageType.audio,
  chunkStreamId: 4,
  messagesPerSecond: AUDIO_SAMPLE_RATE / AUDIO_SAMPLES_PER_MESSAGE,
  sequenceHeader: Buffer.from('af001190', 'hex'),
  payloads: Array.from({ length: AUDIO_VARIANTS }, (_, variant) => audioPayload(variant)),
};

export const metadata = {
  width: 1920,
  height: 1080,
  framerate: VIDEO_FRAMES_PER_SECOND,
  videocodecid: 7,
  videodatarate: 4000,
  audiocodecid: 10,
  audiodatarate: 128,
  audiosamplerate: AUDIO_SAMPLE_RATE,
  stereo: true,
} as const;

function videoPayload(frame: number): Buffer {
  const keyframe = frame === 0;
  const interFrameBytes = (GOP_BYTES - KEYFRAME_BYTES) / (GOP_FRAMES - 1);
  // Frame sizes vary by 40 % around the mean, and each frame's deviation is balanced by its neighbour.
  const swing = frame % 2 === 1 ? 0.6 : 1.4;
  const bytes = keyframe ? KEYFRAME_BYTES : Math.round(interFrameBytes * (frame === GOP_FRAMES - 1 ? 1 : swing));
  const payload = noise(bytes, frame);
  const head = Buffer.from([keyframe ? KEYFRAME : INTER_FRAME, 1, 0, 0, 0]);
  const parameters = keyframe ? [withLength(SPS), withLength(PPS)] : [];
  const before = Buffer.concat([head, ...parameters]);
  payload.set(before);
  payload.writeUInt32BE(bytes - before.length - 4, before.length);
  payload[before.length + 4] = keyframe ? 0x65 : 0x41;
  return payload;
}

function withLength(unit: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(unit.length);
  return Buffer.concat([length, unit]);
}

function audioPayload(variant: number): Buffer {
  const payload = noise(AUDIO_BYTES, 1000 + variant);
  payload.set([0xaf, 1]);
  return payload;
}

/** Reproducible bytes without runs, as compressed media looks. */
function noise(bytes: number, seed: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let state = (seed + 1) * 0x9e3779b1;
  for (let at = 0; at < bytes; at++) {
    state = Math.imul(state, 1664525) + 1013904223;
    buffer[at] = state >>> 24;
  }
  return buffer;
}
