import { readAacConfig, readFlacHeader, readOpusHead } from './audio-headers';
import { readAv1Record } from './av1-header';
import type { AudioHeader, VideoHeader } from './codec-headers';
import { readAvcRecord } from './h264-header';
import { readHevcRecord } from './h265-header';
import { mainTrackAlone, packetTypeAt } from './main-track';
import { codecName } from './media-tag';
import { readVp9Record } from './vp9-header';

/** Bytes before the contents of a message: tag, and for video packet type and composition time. */
const LEGACY_AUDIO_BYTES = 2;
const LEGACY_VIDEO_BYTES = 5;
const FOUR_CC_BYTES = 4;
/** In Enhanced RTMP, frames of these codecs have a composition time if they are `CodedFrames`, the packet type 1. */
const WITH_COMPOSITION_TIME = new Set(['avc1', 'hvc1']);
const CODED_FRAMES = 1;

/**
 * The contents of an audio or video message's main track: a sequence header or a frame, without tags. Undefined when it
 * does not contain the main track, or cannot be read.
 */
export function mainContents(message: Buffer, video: boolean, mainTrack: number): Buffer | undefined {
  const alone = mainTrackAlone(message, video, mainTrack);
  if (alone === undefined || alone.length === 0) return undefined;
  const isEnhanced = video ? (alone[0]! & 0x80) !== 0 : alone[0]! >> 4 === 9;
  if (!isEnhanced) return alone.subarray(video ? LEGACY_VIDEO_BYTES : LEGACY_AUDIO_BYTES);
  const typeAt = packetTypeAt(alone);
  if (typeAt < 0) return undefined;
  const fourCcAt = typeAt + 1;
  const fourCc = alone.toString('latin1', fourCcAt, fourCcAt + FOUR_CC_BYTES);
  const hasTime = video && (alone[typeAt]! & 0x0f) === CODED_FRAMES && WITH_COMPOSITION_TIME.has(fourCc);
  return alone.subarray(fourCcAt + FOUR_CC_BYTES + (hasTime ? 3 : 0));
}

/**
 * Reads the sequence header of the main video track.
 *
 * @param codec as in `MediaTag.codec`
 */
export function readVideoHeader(message: Buffer, codec: number, mainTrack: number): VideoHeader | undefined {
  const record = mainContents(message, true, mainTrack);
  return record && VIDEO_READERS[codecName(codec, true)]?.(record);
}

/** Reads the sequence header of the main audio track. */
export function readAudioHeader(message: Buffer, codec: number, mainTrack: number): AudioHeader | undefined {
  const record = mainContents(message, false, mainTrack);
  return record && AUDIO_READERS[codecName(codec, false)]?.(record);
}

const VIDEO_READERS: Readonly<Record<string, (record: Buffer) => VideoHeader | undefined>> = {
  avc1: readAvcRecord,
  hvc1: readHevcRecord,
  av01: readAv1Record,
  vp09: readVp9Record,
};

const AUDIO_READERS: Readonly<Record<string, (record: Buffer) => AudioHeader | undefined>> = {
  mp4a: readAacConfig,
  Opus: readOpusHead,
  fLaC: readFlacHeader,
};
