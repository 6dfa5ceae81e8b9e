const AAC_SAMPLES = 1024;
const AAC_SHORT_SAMPLES = 960;
const OPUS_RATE = 48_000;
/** Samples per frame at 48 kHz by the configuration in the first byte of an Opus packet (RFC 6716 section 3.1). */
const SILK = [480, 960, 1920, 2880];
const HYBRID = [480, 960];
const CELT = [120, 240, 480, 960];

/** Samples that an AAC frame decodes to at its coded rate, from the AudioSpecificConfig. */
export function aacFrameLength(config: Buffer): number {
  const type = config[0]! >> 3;
  const index = ((config[0]! & 7) << 1) | ((config[1] ?? 0) >> 7);
  // frameLengthFlag is the first bit of GASpecificConfig, behind five, four and four bits.
  const isShort = type >= 1 && type <= 4 && index < 15 && ((config[1] ?? 0) & 4) !== 0;
  return isShort ? AAC_SHORT_SAMPLES : AAC_SAMPLES;
}

/** Samples of an Opus packet at 48 kHz; 0: it cannot be read. */
export function opusFrameLength(packet: Buffer): number {
  const first = packet[0];
  if (first === undefined) return 0;
  const config = first >> 3;
  const samples = config < 12 ? SILK[config % 4]! : config < 16 ? HYBRID[config % 2]! : CELT[config % 4]!;
  const code = first & 3;
  const count = code === 0 ? 1 : code < 3 ? 2 : (packet[1] ?? 0) & 0x3f;
  const total = samples * count;
  return total <= 0.12 * OPUS_RATE ? total : 0;
}
