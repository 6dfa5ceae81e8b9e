import { createHash } from 'node:crypto';
import { encodeAmf0 } from '../protocol/amf/amf0-encode';
import { AmfEcmaArray } from '../protocol/amf/amf-value';
import { MessageType } from '../protocol/message-types';

/** One audio or video message. */
export interface MediaMessage {
  readonly typeId: number;
  /** Milliseconds. */
  readonly timestamp: number;
  readonly payload: Buffer;
}

export interface Frame extends MediaMessage {
  readonly keyframe: boolean;
}

/** Some seconds of H.264 and AAC with valid headers, as far as a server reads them; the coded media is noise. */
export interface TestStream {
  /** Body of the `onMetaData` message. */
  readonly metadata: Buffer;
  /** Sequence headers, both with timestamp 0. */
  readonly headers: readonly MediaMessage[];
  readonly frames: readonly Frame[];
  readonly durationMs: number;
}

/** Duration of a test stream, unless the caller asks for another. */
export const STREAM_DURATION_MS = 2000;

const VIDEO_INTERVAL_MS = 40;
const AUDIO_INTERVAL_MS = 20;
/** A key frame about every half second: a player may start there. */
const KEYFRAME_INTERVAL_MS = 480;
const KEYFRAME_BYTES = 6000;
const INTER_FRAME_BYTES = 1500;
const AUDIO_FRAME_BYTES = 160;

/** AVCDecoderConfigurationRecord of a 64x64 baseline stream, after the FLV tag header. */
const AVC_HEADER = Buffer.from('17000000000142c00affe1000a6742c00ada1096a0226401000468ce3c80', 'hex');
/** AudioSpecificConfig of AAC-LC, 48 kHz, mono. */
const AAC_HEADER = Buffer.from('af001188', 'hex');

/** Bytes that look random but depend only on the nonce and the position. */
function noise(nonce: string, label: string, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let block = 0; block * 32 < length; block += 1) {
    blocks.push(createHash('sha256').update(`${nonce}/${label}/${block}`).digest());
  }
  return Buffer.concat(blocks, length);
}

function videoFrame(nonce: string, timestamp: number): Frame {
  const keyframe = timestamp % KEYFRAME_INTERVAL_MS === 0;
  const length = keyframe ? KEYFRAME_BYTES : INTER_FRAME_BYTES;
  // FLV tag header, composition time 0, then one NAL unit with its length.
  const head = Buffer.from([keyframe ? 0x17 : 0x27, 1, 0, 0, 0, 0, 0, 0, 0, keyframe ? 0x65 : 0x41]);
  head.writeUInt32BE(length + 1, 5);
  const payload = Buffer.concat([head, noise(nonce, `video ${timestamp}`, length)]);
  return { typeId: MessageType.Video, timestamp, payload, keyframe };
}

function audioFrame(nonce: string, timestamp: number): Frame {
  const payload = Buffer.concat([Buffer.from([0xaf, 1]), noise(nonce, `audio ${timestamp}`, AUDIO_FRAME_BYTES)]);
  return { typeId: MessageType.Audio, timestamp, payload, keyframe: false };
}

/** The stream of one run. The nonce makes it differ from the streams of other runs, which a server might still hold. */
export function createTestStream(nonce: string, durationMs = STREAM_DURATION_MS): TestStream {
  const frames: Frame[] = [];
  for (let timestamp = 0; timestamp < durationMs; timestamp += AUDIO_INTERVAL_MS) {
    if (timestamp % VIDEO_INTERVAL_MS === 0) frames.push(videoFrame(nonce, timestamp));
    frames.push(audioFrame(nonce, timestamp));
  }
  const metadata = new AmfEcmaArray([
    ['width', 64],
    ['height', 64],
    ['framerate', 1000 / VIDEO_INTERVAL_MS],
    ['videocodecid', 7],
    ['audiocodecid', 10],
    ['encoder', `test stream ${nonce}`],
  ]);
  return {
    metadata: encodeAmf0(['onMetaData', metadata]),
    headers: [
      { typeId: MessageType.Video, timestamp: 0, payload: AVC_HEADER },
      { typeId: MessageType.Audio, timestamp: 0, payload: AAC_HEADER },
    ],
    frames,
    durationMs,
  };
}
