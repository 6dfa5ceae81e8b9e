/** A keyframe as WebCodecs' VideoDecoder takes it. */
export interface CodedPicture {
  /** WebCodecs codec string, such as `avc1.64001f`. */
  readonly codec: string;
  /** The codec's configuration record; undefined for codecs without one. */
  readonly description: Uint8Array<ArrayBuffer> | undefined;
  readonly keyframe: Uint8Array<ArrayBuffer>;
}

type Bytes = Uint8Array<ArrayBuffer>;

const VIDEO_TAG = 9;
const TAG_HEADER = 11;
const KEYFRAME = 1;

/** FLV's numbers of codecs that have none of Enhanced RTMP's FourCCs. */
const FOURCC_OF_NUMBER: Readonly<Record<number, string>> = { 7: 'avc1', 12: 'hvc1', 13: 'av01' };

interface VideoPacket {
  readonly fourCc: string;
  readonly kind: 'configuration' | 'picture';
  readonly payload: Bytes;
}

/**
 * Finds the codec's configuration and the last keyframe in an FLV file.
 *
 * @returns undefined when the file has no complete keyframe of a codec that browsers may know
 */
export function pictureOfFlv(file: Bytes): CodedPicture | undefined {
  const configurations = new Map<string, Bytes>();
  let picture: VideoPacket | undefined;
  for (const body of videoTags(file)) {
    const packet = videoPacket(body);
    if (packet === undefined) continue;
    if (packet.kind === 'configuration') configurations.set(packet.fourCc, packet.payload);
    else picture = packet;
  }
  if (picture === undefined) return undefined;
  const description = configurations.get(picture.fourCc);
  const codec = codecString(picture.fourCc, description);
  if (codec === undefined) return undefined;
  // VP9 takes its configuration from the frames; WebCodecs gives a description no meaning there.
  const described = picture.fourCc === 'vp09' || picture.fourCc === 'vp08' ? undefined : description;
  return { codec, description: described, keyframe: picture.payload };
}

function* videoTags(file: Bytes): Generator<Bytes> {
  if (file.length < 13 || file[0] !== 0x46 || file[1] !== 0x4c || file[2] !== 0x56) return;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = view.getUint32(5) + 4; at + TAG_HEADER <= file.length;) {
    const length = view.getUint32(at) & 0xffffff;
    const from = at + TAG_HEADER;
    if (from + length > file.length) return;
    if ((file[at]! & 0x1f) === VIDEO_TAG) yield file.subarray(from, from + length);
    at = from + length + 4;
  }
}

/** undefined: not a keyframe or a configuration, or a form that is not read here (multitrack, encrypted). */
function videoPacket(body: Bytes): VideoPacket | undefined {
  const [first = 0, second = 0] = body;
  const isKeyframe = ((first >> 4) & 7) === KEYFRAME;
  if ((first & 0x80) !== 0) return enhancedPacket(body, isKeyframe);
  const fourCc = FOURCC_OF_NUMBER[first & 0x0f];
  if (fourCc === undefined || body.length < 5) return undefined;
  if (second === 0) return { fourCc, kind: 'configuration', payload: body.subarray(5) };
  return second === 1 && isKeyframe ? { fourCc, kind: 'picture', payload: body.subarray(5) } : undefined;
}

/** Packet types of Enhanced RTMP: https://veovera.org/docs/enhanced/enhanced-rtmp-v2 */
const SEQUENCE_START = 0;
const CODED_FRAMES = 1;
const CODED_FRAMES_X = 3;
const MOD_EX = 7;

function enhancedPacket(body: Bytes, isKeyframe: boolean): VideoPacket | undefined {
  let type = body[0]! & 0x0f;
  let at = 1;
  while (type === MOD_EX && at + 3 < body.length) {
    let size = body[at]! + 1;
    at += 1;
    if (size === 256) {
      size = ((body[at]! << 8) | body[at + 1]!) + 1;
      at += 2;
    }
    at += size;
    type = (body[at] ?? 0xff) & 0x0f;
    at += 1;
  }
  if (at + 4 > body.length) return undefined;
  const fourCc = String.fromCharCode(...body.subarray(at, at + 4));
  at += 4;
  if (type === SEQUENCE_START) return { fourCc, kind: 'configuration', payload: body.subarray(at) };
  if (!isKeyframe) return undefined;
  if (type === CODED_FRAMES_X) return { fourCc, kind: 'picture', payload: body.subarray(at) };
  if (type !== CODED_FRAMES) return undefined;
  // Here the NAL unit codecs have a composition time of three bytes.
  const hasTime = fourCc === 'avc1' || fourCc === 'hvc1';
  return { fourCc, kind: 'picture', payload: body.subarray(hasTime ? at + 3 : at) };
}

/** https://www.w3.org/TR/webcodecs-codec-registry/; undefined when the configuration is missing or cut off. */
function codecString(fourCc: string, record: Bytes | undefined): string | undefined {
  if (fourCc === 'vp08') return 'vp8';
  if (record === undefined || record.length < 4) return undefined;
  switch (fourCc) {
    case 'avc1':
      return `avc1.${hex(record[1]!)}${hex(record[2]!)}${hex(record[3]!)}`;
    case 'hvc1':
      return record.length < 13 ? undefined : `hvc1.${hevcProfile(record)}`;
    case 'av01':
      return `av01.${av1Profile(record)}`;
    case 'vp09':
      return record.length < 7
        ? undefined
        : `vp09.${twoDigits(record[4]!)}.${twoDigits(record[5]!)}.${twoDigits(record[6]! >> 4)}`;
    default:
      return undefined;
  }
}

/** ISO/IEC 14496-15, annex E.3: profile, compatibility in reversed bit order, tier and level, constraints. */
function hevcProfile(record: Bytes): string {
  const space = ['', 'A', 'B', 'C'][record[1]! >> 6]!;
  const tier = (record[1]! & 0x20) === 0 ? 'L' : 'H';
  let compatibility = 0;
  for (let bit = 0; bit < 32; bit += 1) {
    if (((record[2 + (bit >> 3)]! >> (7 - (bit & 7))) & 1) === 1) compatibility += 2 ** bit;
  }
  const constraints = [...record.subarray(6, 12)];
  while (constraints.at(-1) === 0) constraints.pop();
  const parts = [`${space}${record[1]! & 0x1f}`, compatibility.toString(16), `${tier}${record[12]!}`];
  return [...parts, ...constraints.map((value) => value.toString(16))].join('.');
}

/** https://aomediacodec.github.io/av1-isobmff/#codecsparam */
function av1Profile(record: Bytes): string {
  const [profile, level] = [record[1]! >> 5, record[1]! & 0x1f];
  const tier = (record[2]! & 0x80) === 0 ? 'M' : 'H';
  const isHigh = (record[2]! & 0x40) !== 0;
  const isTwelve = (record[2]! & 0x20) !== 0;
  return `${profile}.${twoDigits(level)}${tier}.${isHigh ? (isTwelve ? '12' : '10') : '08'}`;
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
