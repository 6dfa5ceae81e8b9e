import type { AmfObject, AmfValue } from '../protocol/amf/amf-value';
import { codecName } from '../protocol/media/media-tag';

/** What the publisher's metadata (onMetaData) says; undefined where it says nothing that makes sense. */
export interface Claims {
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly frameRate: number | undefined;
  readonly videoKbps: number | undefined;
  readonly audioKbps: number | undefined;
  readonly sampleRate: number | undefined;
  readonly channels: number | undefined;
  /** As `codecName` writes them. */
  readonly videoCodec: string | undefined;
  readonly audioCodec: string | undefined;
  readonly encoder: string;
}

/** A higher frame rate is the resolution of a clock: some encoders announce 1000 or 90000. */
const MAX_FRAME_RATE = 240;
const MAX_ENCODER_LENGTH = 128;
/** Neither pixels nor samples a second are more. */
const MAX_WHOLE = 1_000_000;

export function readClaims(metadata: AmfObject | undefined): Claims {
  const get = (name: string): AmfValue => metadata?.get(name);
  const frameRate = positive(get('framerate'));
  return {
    width: whole(get('width')),
    height: whole(get('height')),
    frameRate: frameRate !== undefined && frameRate <= MAX_FRAME_RATE ? frameRate : undefined,
    videoKbps: positive(get('videodatarate')),
    audioKbps: positive(get('audiodatarate')),
    sampleRate: whole(get('audiosamplerate')),
    channels: channelsOf(get('audiochannels'), get('stereo')),
    videoCodec: codecOf(get('videocodecid'), true),
    audioCodec: codecOf(get('audiocodecid'), false),
    encoder: printable(get('encoder')),
  };
}

function positive(value: AmfValue): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}

function whole(value: AmfValue): number | undefined {
  const number = positive(value);
  return number === undefined || number > MAX_WHOLE ? undefined : Math.round(number);
}

function channelsOf(channels: AmfValue, stereo: AmfValue): number | undefined {
  return whole(channels) ?? (stereo === true ? 2 : undefined);
}

/** Encoders write codecs as numbers of FLV, as FourCC in a number, or as text. */
function codecOf(value: AmfValue, video: boolean): string | undefined {
  if (typeof value === 'string') return SPELLINGS[value.toLowerCase()];
  if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0 || value > 0xffffffff) return undefined;
  const name = codecName(value, video);
  return SPELLINGS[name.toLowerCase()] ?? (name.startsWith('legacy-') ? undefined : name);
}

const SPELLINGS: Readonly<Record<string, string>> = {
  avc1: 'avc1',
  avc: 'avc1',
  h264: 'avc1',
  hvc1: 'hvc1',
  hev1: 'hvc1',
  hevc: 'hvc1',
  h265: 'hvc1',
  av01: 'av01',
  av1: 'av01',
  vp09: 'vp09',
  vp9: 'vp09',
  mp4a: 'mp4a',
  aac: 'mp4a',
  '.mp3': '.mp3',
  mp3: '.mp3',
  opus: 'Opus',
};

function printable(value: AmfValue): string {
  if (typeof value !== 'string') return '';
  return value.replace(/[^\x20-\x7e]/g, '').slice(0, MAX_ENCODER_LENGTH);
}
