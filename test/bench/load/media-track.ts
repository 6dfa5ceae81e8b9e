import { messageType } from '../wire/chunk-encoding';

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

/** Timestamp of a track's message in milliseconds, as an encoder rounds it. */
export function timestampMs(track: MediaTrack, sequence: number): number {
  return Math.floor((sequence * 1000) / track.messagesPerSecond);
}

export const videoTrack: MediaTrack = {
  type: messageType.video,
  chunkStreamId: 6,
  messagesPerSecond: VIDEO_FRAMES_PER_SECOND,
  // AVCDecoderConfigurationRecord: High profile 4.0, one SPS and one PPS of plausible length.
  sequenceHeader: Buffer.from('1700000000016400' + '28ffe1000a67640028acd940780227e5' + '01000468ebe3cb', 'hex'),
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
  payload.set(keyframe ? [0x17, 1, 0, 0, 0] : [0x27, 1, 0, 0, 0]);
  payload.writeUInt32BE(bytes - 9, 5);
  payload[9] = keyframe ? 0x65 : 0x41;
  return payload;
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
