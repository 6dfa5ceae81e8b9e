import { readAacConfig, readFlacHeader, readOpusHead } from '../../protocol/media/audio-headers';
import { readAv1Record } from '../../protocol/media/av1-header';
import type { AudioHeader, VideoHeader } from '../../protocol/media/codec-headers';
import { readAvcRecord } from '../../protocol/media/h264-header';
import { readHevcRecord } from '../../protocol/media/h265-header';
import { readVp9Record } from '../../protocol/media/vp9-header';
import { dfLa, dOps, esds, vpcC } from './codec-boxes';
import type { Frame } from './frame';
import { aacFrameLength, opusFrameLength } from './frame-length';
import { readCodec } from './init-segment';
import { type Mp4Track, VIDEO_TIMESCALE } from './mp4-track';

type Track = Omit<Mp4Track, 'codec'>;

const noLength = (): number => 0;

/** The codecs that have no place in the MP4 files of this program, and how people call them. */
const NAMES: Readonly<Record<string, string>> = {
  h263: 'H.263',
  vp6: 'VP6',
  vp6a: 'VP6',
  vp08: 'VP8',
  vvc1: 'VVC',
  '.mp3': 'MP3',
  speex: 'Speex',
  pcm: 'PCM',
  adpcm: 'ADPCM',
  nellymoser: 'Nellymoser',
  'ac-3': 'AC-3',
  'ec-3': 'E-AC-3',
};

/** The codecs without a sequence header that are not packaged either: their frames say so. */
const TAKEN = new Set(['avc1', 'hvc1', 'av01', 'vp09', 'mp4a', 'Opus', 'fLaC']);

/** Whether frames of this codec can stand in an MP4 file of this program. */
export function isTaken(codec: string): boolean {
  return TAKEN.has(codec);
}

/** Why frames of a codec are left out: `not in MP4: Speex`. */
export function notInMp4(codec: string): string {
  return `not in MP4: ${NAMES[codec] ?? (codec || 'unknown codec')}`;
}

/** Reads a sequence header; undefined: it cannot be read, or its codec is not taken. */
export function readTrack({ codec, data, isVideo }: Frame): Mp4Track | undefined {
  try {
    const track = isVideo ? videoTrack(codec, data) : audioTrack(codec, data);
    return track && { ...track, codec: readCodec(track) };
  } catch {
    return undefined; // a header that is cut short
  }
}

const VIDEO: Readonly<Record<string, [configType: string, read: (record: Buffer) => VideoHeader | undefined]>> = {
  avc1: ['avcC', readAvcRecord],
  hvc1: ['hvcC', readHevcRecord],
  av01: ['av1C', readAv1Record],
  vp09: ['vpcC', readVp9Record],
};

function videoTrack(codec: string, record: Buffer): Track | undefined {
  const [configType, read] = VIDEO[codec] ?? [];
  const header = read?.(record);
  if (configType === undefined || header === undefined) return undefined;
  return {
    isVideo: true,
    entry: codec,
    configType,
    config: codec === 'vp09' ? vpcC(record) : record,
    header: record,
    timescale: VIDEO_TIMESCALE,
    width: header.width ?? 0,
    height: header.height ?? 0,
    channels: 0,
    sampleRate: 0,
    frameLength: noLength,
  };
}

function audioTrack(codec: string, header: Buffer): Track | undefined {
  switch (codec) {
    case 'mp4a': {
      const length = aacFrameLength(header);
      return sound(codec, 'esds', esds(header), header, readAacConfig(header), () => length);
    }
    case 'Opus':
      return sound(codec, 'dOps', dOps(header), header, readOpusHead(header), opusFrameLength);
    case 'fLaC':
      return sound(codec, 'dfLa', dfLa(header), header, readFlacHeader(header), noLength);
    default:
      return undefined;
  }
}

function sound(
  entry: string,
  configType: string,
  config: Buffer,
  header: Buffer,
  facts: AudioHeader | undefined,
  frameLength: (frame: Buffer) => number,
): Track | undefined {
  if (facts === undefined) return undefined;
  const { codedRate, sampleRate, channels = 2 } = facts;
  const timescale = codedRate;
  const shared = { isVideo: false, entry, configType, config, header, timescale, width: 0, height: 0 };
  return { ...shared, channels, sampleRate, frameLength };
}
