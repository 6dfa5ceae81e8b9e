import { readAacConfig, readFlacHeader, readOpusHead } from '../../../service/protocol/media/audio-headers';
import { readAv1Record } from '../../../service/protocol/media/av1-header';
import type { AudioHeader, VideoHeader } from '../../../service/protocol/media/codec-headers';
import { readAvcRecord, readH264Sps } from '../../../service/protocol/media/h264-header';
import { readHevcRecord } from '../../../service/protocol/media/h265-header';
import { isClosedH264 } from '../../../service/protocol/media/keyframe-kind';
import { readVp9Keyframe, readVp9Record } from '../../../service/protocol/media/vp9-header';
import { readTrack } from '../../../service/outputs/fmp4/track-reader';
import { audioConfigs, flacHeader, opusHead, videoRecords, vp9Keyframes } from '../../vectors/codec-header-vectors';
import { must, type Target } from '../engine/target';

const VIDEO = { avc1: readAvcRecord, hvc1: readHevcRecord, av01: readAv1Record, vp09: readVp9Record };
const AUDIO = { mp4a: readAacConfig, Opus: readOpusHead, fLaC: readFlacHeader };
const NAMES = [...Object.keys(VIDEO), ...Object.keys(AUDIO)];

/** What is read of a record can be true, and makes a track that can be written. */
export const target: Target = {
  name: 'codec-records',
  reads: 'configuration records: AVC, HEVC, AV1, VP9, AAC, Opus, FLAC',
  maxLength: 512,
  steps: { base: 40_000, perByte: 200 },
  seeds: () => [
    ...videoRecords.map(({ codec, hex }) => record(codec, hex)),
    ...audioConfigs.map(({ hex }) => record('mp4a', hex)),
    ...vp9Keyframes.map(({ hex }) => record('vp09', hex)),
    record('Opus', opusHead),
    record('fLaC', flacHeader),
  ],
  run(data) {
    const codec = NAMES[(data[0] ?? 0) % NAMES.length]!;
    const bytes = data.subarray(1);
    const isVideo = codec in VIDEO;
    if (isVideo) {
      checkVideo(VIDEO[codec as keyof typeof VIDEO](bytes));
      if (codec === 'avc1') checkVideo(readH264Sps(bytes));
      isClosedH264(bytes);
      const size = readVp9Keyframe(bytes);
      if (size !== undefined) must(isSize(size.width) && isSize(size.height), 'a picture of an impossible size');
    } else checkAudio(AUDIO[codec as keyof typeof AUDIO](bytes));
    const track = readTrack({ ...{ isVideo, codec, isHeader: true, isKey: true, time: 0, offset: 0 }, data: bytes });
    if (track === undefined) return;
    must(Number.isInteger(track.timescale) && track.timescale > 0, 'a track without a clock');
    must(/^[\w.-]{4,64}$/.test(track.codec) && !/undefined|NaN/.test(track.codec), `a codec name: ${track.codec}`);
    const length = track.frameLength(bytes);
    must(Number.isInteger(length) && length >= 0, 'a frame of an impossible length');
  },
};

function record(codec: string, hex: string): Buffer {
  return Buffer.concat([Buffer.of(NAMES.indexOf(codec)), Buffer.from(hex, 'hex')]);
}

function isSize(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}

function checkVideo(header: VideoHeader | undefined): void {
  if (header === undefined) return;
  const { profile, width = 1, height = 1, pixelAspect, chroma, bitDepth } = header;
  must(typeof profile === 'string' && profile.length < 64, 'a profile without a name');
  must(isSize(width) && isSize(height), 'a picture of an impossible size');
  must(Number.isFinite(pixelAspect) && pixelAspect > 0, 'a pixel of an impossible shape');
  must([0, 1, 2, 3].includes(chroma), 'an impossible chroma format');
  must(bitDepth >= 0 && bitDepth <= 16, 'an impossible bit depth');
}

function checkAudio(header: AudioHeader | undefined): void {
  if (header === undefined) return;
  const { profile, sampleRate, codedRate, channels = 1 } = header;
  must(typeof profile === 'string' && profile.length < 64, 'a profile without a name');
  must(isSize(sampleRate) && isSize(codedRate), 'an impossible rate');
  must(isSize(channels) && channels < 256, 'an impossible number of channels');
}
