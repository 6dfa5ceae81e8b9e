import { BitReader } from './bit-reader';
import type { AudioHeader } from './codec-headers';

/** ISO/IEC 14496-3 table 1.18. */
const RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
const OTHER_RATE = 15;
/** Table 1.19: number of channels by channelConfiguration. */
const CHANNELS: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8 };
const OBJECT_TYPES: Readonly<Record<number, string>> = { 1: 'AAC Main', 2: 'AAC-LC', 3: 'AAC SSR', 4: 'AAC-LTP' };
const ESCAPE = 31;
const SBR = 5;
const PARAMETRIC_STEREO = 29;
const EXTENSIONS: Readonly<Record<number, string>> = { [SBR]: 'HE-AAC', [PARAMETRIC_STEREO]: 'HE-AAC v2' };
const SYNC_EXTENSION = 0x2b7;
/** The object types with a GASpecificConfig that are not of error-resilient or scalable kinds. */
const PLAIN_TYPES = new Set([1, 2, 3, 4]);

/** Reads an AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1); undefined when it cannot be read. */
export function readAacConfig(config: Uint8Array): AudioHeader | undefined {
  const bits = new BitReader(config);
  let type = objectType(bits);
  const codedRate = rate(bits);
  const configuration = bits.bits(4);
  let extension = type === SBR || type === PARAMETRIC_STEREO ? type : 0;
  let sampleRate = codedRate;
  if (extension > 0) {
    sampleRate = rate(bits);
    type = objectType(bits);
  }
  if (bits.isOverrun || codedRate === 0 || sampleRate === 0) return undefined;
  let channels = CHANNELS[configuration];
  if (PLAIN_TYPES.has(type)) {
    bits.skip(1);
    if (bits.flag()) bits.skip(14);
    bits.skip(1);
    if (configuration === 0) channels = programChannels(bits);
  }
  if (
    extension === 0 &&
    bits.left >= 16 &&
    bits.bits(11) === SYNC_EXTENSION &&
    objectType(bits) === SBR &&
    bits.flag()
  ) {
    extension = SBR;
    sampleRate = rate(bits) || codedRate;
    if (bits.left >= 12 && bits.bits(11) === 0x548 && bits.flag()) extension = PARAMETRIC_STEREO;
  }
  if (extension === PARAMETRIC_STEREO && channels === 1) channels = 2;
  const profile = EXTENSIONS[extension] ?? OBJECT_TYPES[type] ?? `AAC type ${type}`;
  return { profile, sampleRate, codedRate, channels };
}

function objectType(bits: BitReader): number {
  const type = bits.bits(5);
  return type === ESCAPE ? 32 + bits.bits(6) : type;
}

/** 0: not a rate. */
function rate(bits: BitReader): number {
  const index = bits.bits(4);
  return index === OTHER_RATE ? bits.bits(24) : (RATES[index] ?? 0);
}

/** The number of channels in a program_config_element (section 4.4.1.1); undefined when it is cut short. */
function programChannels(bits: BitReader): number | undefined {
  bits.skip(4 + 2 + 4);
  const elements = bits.bits(4) + bits.bits(4) + bits.bits(4);
  const lowFrequency = bits.bits(2);
  const associated = bits.bits(3);
  const coupling = bits.bits(4);
  if (bits.flag()) bits.skip(4);
  if (bits.flag()) bits.skip(4);
  if (bits.flag()) bits.skip(3);
  let channels = lowFrequency;
  for (let i = 0; i < elements; i += 1) {
    channels += bits.flag() ? 2 : 1;
    bits.skip(4);
  }
  bits.skip(4 * lowFrequency + 4 * associated + 5 * coupling);
  // A comment follows on whole bytes.
  bits.skip(bits.left % 8);
  bits.skip(8 * bits.bits(8));
  return bits.isOverrun || channels === 0 ? undefined : channels;
}

/** Opus decodes at this rate, whatever the rate of its source (RFC 6716 section 2). */
const OPUS_RATE = 48_000;

/** Reads an OpusHead (RFC 7845 section 5.1); one without channels is none. */
export function readOpusHead(head: Buffer): AudioHeader | undefined {
  if (head.length < 19 || head.toString('latin1', 0, 8) !== 'OpusHead' || head[9] === 0) return undefined;
  return { profile: 'Opus', sampleRate: OPUS_RATE, codedRate: OPUS_RATE, channels: head[9]! };
}

const FLAC_INFO_AT = 8;

/** Reads the stream information of FLAC (RFC 9639 section 8.2) behind its marker. */
export function readFlacHeader(header: Buffer): AudioHeader | undefined {
  if (header.length < FLAC_INFO_AT + 18 || header.toString('latin1', 0, 4) !== 'fLaC') return undefined;
  const bits = new BitReader(header.subarray(FLAC_INFO_AT + 10));
  const sampleRate = bits.bits(20);
  return { profile: 'FLAC', sampleRate, codedRate: sampleRate, channels: bits.bits(3) + 1 };
}
