/**
 * The boxes of MP4 sample entries that describe a codec, out of the sequence headers of RTMP. For video these are the
 * same bytes; for audio the headers are those of other containers.
 */

const ES_DESCRIPTOR = 3;
const DECODER_CONFIG = 4;
const DECODER_SPECIFIC = 5;
const SL_CONFIG = 6;
const AAC_OBJECT = 0x40;
const AUDIO_STREAM = 0x15;

/** The contents of an `esds` box (ISO/IEC 14496-14 section 6.7.2). */
export function esds(config: Buffer): Buffer {
  const decoder = Buffer.alloc(13);
  decoder[0] = AAC_OBJECT;
  decoder[1] = AUDIO_STREAM;
  const body = Buffer.concat([
    Buffer.from([0, 1, 0]),
    descriptor(DECODER_CONFIG, Buffer.concat([decoder, descriptor(DECODER_SPECIFIC, config)])),
    descriptor(SL_CONFIG, Buffer.from([2])),
  ]);
  return Buffer.concat([Buffer.alloc(4), descriptor(ES_DESCRIPTOR, body)]);
}

/** Lengths take four bytes, seven bits each, as in the files of most other writers. */
function descriptor(tag: number, body: Buffer): Buffer {
  const { length } = body;
  const head = [
    tag,
    0x80 | (length >> 21),
    0x80 | ((length >> 14) & 0x7f),
    0x80 | ((length >> 7) & 0x7f),
    length & 0x7f,
  ];
  return Buffer.concat([Buffer.from(head), body]);
}

const OPUS_MAGIC = 8;

/** The contents of a `dOps` box out of an OpusHead (RFC 7845 section 5.1): the same fields, in big-endian order. */
export function dOps(head: Buffer): Buffer {
  const box = Buffer.from(head.subarray(OPUS_MAGIC));
  box[0] = 0;
  box.writeUInt16BE(head.readUInt16LE(OPUS_MAGIC + 2), 2);
  box.writeUInt32BE(head.readUInt32LE(OPUS_MAGIC + 4), 4);
  box.writeInt16BE(head.readInt16LE(OPUS_MAGIC + 8), 8);
  return box;
}

/** The contents of a `dfLa` box out of a FLAC header: version and flags instead of the marker. */
export function dfLa(header: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(4), header.subarray(4)]);
}

/** The contents of a `vpcC` box: with version and flags, which some encoders leave out. */
export function vpcC(record: Buffer): Buffer {
  const isComplete = record.length >= 12 && record.readUInt32BE(0) === 0x01000000;
  return isComplete ? record : Buffer.concat([Buffer.from([1, 0, 0, 0]), record]);
}
