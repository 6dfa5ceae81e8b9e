import { createHmac } from 'node:crypto';
import { PACKET_BYTES } from './handshake-input';

/*
 * The handshake that Flash Player 9 introduced and that the RTMP specification omits. C1 and S1 carry an HMAC-SHA256
 * over all their other bytes, at a place that four of these bytes determine; S2 ends with an HMAC that proves the
 * server has read C1. The keys are public: they show that a peer speaks this dialect, and do not prove who it is.
 */

const DIGEST_BYTES = 32;

const SHARED_KEY_TAIL = Buffer.from('f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae', 'hex');
const PLAYER_KEY = Buffer.from('Genuine Adobe Flash Player 001', 'latin1');
const SERVER_KEY = Buffer.from('Genuine Adobe Flash Media Server 001', 'latin1');
const SERVER_KEY_WHOLE = Buffer.concat([SERVER_KEY, SHARED_KEY_TAIL]);

/** Offset of the four bytes that determine the digest's place: schema 0 (key first) and schema 1 (digest first). */
const SCHEMA_BASES = [772, 8] as const;
type SchemaBase = (typeof SCHEMA_BASES)[number];

/** Number of places after these four bytes at which a digest may start. */
const DIGEST_PLACES = 728;

/** Not zero, which would tell the client that S1 has no digest; the same as `fmsVer` of the connect answer. */
const SERVER_VERSION = Buffer.from([3, 0, 1, 123]);

/**
 * S1 and S2 for a client whose C1 has a valid digest, with the digest of S1 in the same schema.
 * `undefined` when C1 has none: such a client wants the plain handshake.
 */
export function answerDigest(c1: Buffer, random: (bytes: number) => Buffer): { s1: Buffer; s2: Buffer } | undefined {
  if (c1.readUInt32BE(4) === 0) return undefined; // A client version of zero announces the plain handshake.
  for (const base of SCHEMA_BASES) {
    const at = digestPlace(c1, base);
    const digest = c1.subarray(at, at + DIGEST_BYTES);
    if (digest.equals(digestAround(c1, at, PLAYER_KEY)))
      return { s1: makeS1(base, random), s2: makeS2(digest, random) };
  }
  return undefined;
}

function makeS1(base: SchemaBase, random: (bytes: number) => Buffer): Buffer {
  const s1 = Buffer.alloc(PACKET_BYTES);
  SERVER_VERSION.copy(s1, 4);
  random(PACKET_BYTES - 8).copy(s1, 8);
  const at = digestPlace(s1, base);
  digestAround(s1, at, SERVER_KEY).copy(s1, at);
  return s1;
}

function makeS2(digestOfC1: Buffer, random: (bytes: number) => Buffer): Buffer {
  const body = random(PACKET_BYTES - DIGEST_BYTES);
  return Buffer.concat([body, hmac(hmac(SERVER_KEY_WHOLE, digestOfC1), body)]);
}

function digestPlace(packet: Buffer, base: SchemaBase): number {
  let sum = 0;
  for (let i = 0; i < 4; i++) sum += packet.readUInt8(base + i);
  return base + 4 + (sum % DIGEST_PLACES);
}

function digestAround(packet: Buffer, at: number, key: Buffer): Buffer {
  return hmac(key, packet.subarray(0, at), packet.subarray(at + DIGEST_BYTES));
}

function hmac(key: Buffer, ...parts: Buffer[]): Buffer {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}
