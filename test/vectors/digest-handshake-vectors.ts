import { createHmac } from 'node:crypto';

/*
 * The places and keys of the digest handshake, written down a second time from librtmp/handshake.h (GetDigestOffset1,
 * GetDigestOffset2, GenuineFPKey, GenuineFMSKey) so that tests do not share code with the server.
 */

const tail = [
  0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0, 0xd1, 0x02, 0x9e, 0x7e, 0x57, 0x6e, 0xec, 0x5d,
  0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae,
];
const mediaServer68 = Buffer.concat([Buffer.from('Genuine Adobe Flash Media Server 001'), Buffer.from(tail)]);
const player30 = Buffer.from('Genuine Adobe Flash Player 001');
const mediaServer36 = mediaServer68.subarray(0, 36);

export type Schema = 0 | 1;

/** 0: the digest lies in the second half of the packet. 1: in the first. */
export function placeOfDigest(packet: Buffer, schema: Schema): number {
  const [from, first] = schema === 0 ? [772, 776] : [8, 12];
  const sum = [...packet.subarray(from, from + 4)].reduce((a, b) => a + b, 0);
  return (sum % 728) + first;
}

function digestOf(packet: Buffer, schema: Schema, key: Buffer): Buffer {
  const place = placeOfDigest(packet, schema);
  const rest = Buffer.concat([packet.subarray(0, place), packet.subarray(place + 32)]);
  return createHmac('sha256', key).update(rest).digest();
}

export function digestIn(packet: Buffer, schema: Schema): Buffer {
  const place = placeOfDigest(packet, schema);
  return packet.subarray(place, place + 32);
}

/** A C1 as Flash Player makes it: its version, filler, and the digest of the schema. */
export function makeC1(filler: Uint8Array, schema: Schema, version: readonly number[] = [128, 0, 3, 2]): Buffer {
  const c1 = Buffer.from(filler);
  Buffer.from(version).copy(c1, 4);
  digestOf(c1, schema, player30).copy(c1, placeOfDigest(c1, schema));
  return c1;
}

export function serverDigestIsValid(s1: Buffer, schema: Schema): boolean {
  return digestIn(s1, schema).equals(digestOf(s1, schema, mediaServer36));
}

export function s2AnswersC1(s2: Buffer, c1: Buffer, schema: Schema): boolean {
  const key = createHmac('sha256', mediaServer68).update(digestIn(c1, schema)).digest();
  return s2.subarray(1504).equals(createHmac('sha256', key).update(s2.subarray(0, 1504)).digest());
}
