/**
 * Bodies of audio and video messages (FLV tags without their header) for the classic codecs. The configurations are
 * real ones; the frames hold a label that a test can look for, not pictures. See enhanced-media.ts for fourCC codecs.
 */

/** `label`, repeated up to `size` bytes when one is given: the same label and size give the same bytes. */
export function content(label: string, size = label.length): Buffer {
  return size === 0 ? Buffer.alloc(0) : Buffer.alloc(size, label);
}

/** One NAL unit of the given header byte, with its 4-byte length, as avcC and hvcC configurations announce. */
function nalUnit(header: Buffer, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.length + body.length);
  return Buffer.concat([length, header, body]);
}

const uint24 = (value: number): Buffer => Buffer.of((value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);

/** AVCDecoderConfigurationRecord of x264, High profile, level 3.1, 1280x720. */
export const avcConfigRecord = Buffer.from(
  '0164001fffe1001a6764001facd9405005bb01100000030010000003' + '03c0f183196001000668ebe3cb22c0fdf8f800',
  'hex',
);

/** HEVCDecoderConfigurationRecord of x265, Main profile, 1280x720. */
export const hevcConfigRecord = Buffer.from(
  '0101600000009000000000005df000fcfdf8f800000f03' +
    '2000010018' +
    '40010c01ffff01600000030090000003000003005d959809' +
    '210001002b' +
    '420101016000000300900000030000' +
    '03005da00280802d165959a4932bc05a0200000300020000' +
    '03003c10' +
    '2200010007' +
    '4401c172b46240',
  'hex',
);

/** AudioSpecificConfig: AAC LC, 48 kHz, stereo. */
export const aacConfigRecord = Buffer.from('1190', 'hex');

/** AVC (codec id 7): legacy FLV video tags. `size` is that of the picture's content in bytes. */
export const avc = {
  sequenceHeader: (record: Buffer = avcConfigRecord): Buffer => Buffer.concat([Buffer.of(0x17, 0, 0, 0, 0), record]),
  keyframe: (label: string, size?: number, compositionMs = 0): Buffer =>
    Buffer.concat([Buffer.of(0x17, 1), uint24(compositionMs), nalUnit(Buffer.of(0x65), content(label, size))]),
  interFrame: (label: string, size?: number, compositionMs = 0): Buffer =>
    Buffer.concat([Buffer.of(0x27, 1), uint24(compositionMs), nalUnit(Buffer.of(0x41), content(label, size))]),
  endOfSequence: (): Buffer => Buffer.of(0x17, 2, 0, 0, 0),
};

/** HEVC as codec id 12 of the legacy tag, as encoders outside of the standard send it. */
export const hevc12 = {
  sequenceHeader: (record: Buffer = hevcConfigRecord): Buffer => Buffer.concat([Buffer.of(0x1c, 0, 0, 0, 0), record]),
  keyframe: (label: string, size?: number): Buffer =>
    Buffer.concat([Buffer.of(0x1c, 1, 0, 0, 0), nalUnit(Buffer.of(0x26, 0x01), content(label, size))]),
  interFrame: (label: string, size?: number): Buffer =>
    Buffer.concat([Buffer.of(0x2c, 1, 0, 0, 0), nalUnit(Buffer.of(0x02, 0x01), content(label, size))]),
};

/** AAC (sound format 10). */
export const aac = {
  sequenceHeader: (record: Buffer = aacConfigRecord): Buffer => Buffer.concat([Buffer.of(0xaf, 0), record]),
  frame: (label: string, size?: number): Buffer => Buffer.concat([Buffer.of(0xaf, 1), content(label, size)]),
};

/** MP3 (sound format 2, 44.1 kHz, stereo): no configuration, every frame can be decoded alone. */
export const mp3 = {
  frame: (label: string, size?: number): Buffer => Buffer.concat([Buffer.of(0x2f), content(label, size)]),
};

/** Codecs that have neither configuration nor a known keyframe rule beyond the tag's own: Sorenson H.263, Speex. */
export const h263 = {
  keyframe: (label: string, size?: number): Buffer => Buffer.concat([Buffer.of(0x12), content(label, size)]),
  interFrame: (label: string, size?: number): Buffer => Buffer.concat([Buffer.of(0x22), content(label, size)]),
};

export const speex = {
  frame: (label: string, size?: number): Buffer => Buffer.concat([Buffer.of(0xb2), content(label, size)]),
};

export interface MediaItem {
  readonly kind: 'audio' | 'video';
  readonly timestamp: number;
  readonly payload: Buffer;
}

/**
 * A stream as an encoder sends it: both configurations at time 0, then `frames` pictures at 25 per second with a
 * keyframe every `gop`, and one AAC frame after each. Labels are `PREFIX-v0`, `PREFIX-a0` and so on.
 */
export function avcAacStream(prefix: string, frames: number, { gop = 25, size = 400 } = {}): MediaItem[] {
  const items: MediaItem[] = [
    { kind: 'video', timestamp: 0, payload: avc.sequenceHeader() },
    { kind: 'audio', timestamp: 0, payload: aac.sequenceHeader() },
  ];
  for (let index = 0; index < frames; index += 1) {
    const make = index % gop === 0 ? avc.keyframe : avc.interFrame;
    const timestamp = index * 40;
    items.push({ kind: 'video', timestamp, payload: make(`${prefix}-v${index}`, size) });
    items.push({ kind: 'audio', timestamp, payload: aac.frame(`${prefix}-a${index}`, Math.ceil(size / 4)) });
  }
  return items;
}
