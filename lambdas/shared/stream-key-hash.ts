import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** 192 random bits; 32 characters of the names' alphabet. */
const KEY_BYTES = 24;

/** A new stream key. Never begins with `-`, which a command line would read as an option. */
export function generateStreamKey(): string {
  for (;;) {
    const key = randomBytes(KEY_BYTES).toString('base64url');
    if (!key.startsWith('-')) return key;
  }
}

/** HMAC-SHA-256, as hex, of a key under the pepper; bound to its channel so that equal keys have unequal hashes. */
export function hashStreamKey(pepper: string, channel: string, key: string): string {
  return createHmac('sha256', pepper).update(`${channel}/${key}`).digest('hex');
}

/** Compares two hex hashes in constant time. */
export function hashesEqual(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
