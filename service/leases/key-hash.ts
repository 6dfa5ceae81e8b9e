import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FleetKeys } from './fleet-keys';

const BETWEEN_HASHES = ' ';
const AFTER_ID = '.';

/**
 * Compares stream keys between nodes without storing them: a hash under each of the fleet's keys that this node knows,
 * with that key's id, so that nodes that share only one key agree while the secret changes. Without such keys, a hash
 * under the secret that the fleet keeps in Redis. A hash is of a channel and a key, so that equal keys of two channels
 * do not show.
 */
export class KeyHash {
  #fallback: Buffer;
  readonly #keys: FleetKeys;

  /** @param fallback any bytes, until the fleet's secret is known */
  constructor(keys: FleetKeys, fallback: Buffer) {
    this.#keys = keys;
    this.#fallback = fallback;
  }

  /** From now on, these bytes are the secret that the fleet keeps in Redis. */
  use(secret: Buffer): void {
    this.#fallback = secret;
  }

  of(channel: string, key: string): string {
    const known = this.#keys.all;
    if (known.length === 0) return hash(this.#fallback, channel, key);
    return known.map(({ id, hashes }) => `${id}${AFTER_ID}${hash(hashes, channel, key)}`).join(BETWEEN_HASHES);
  }

  /** Whether this is the hash of the channel's key, compared in constant time. */
  matches(channel: string, key: string, hashes: string): boolean {
    const known = this.#keys.all;
    if (known.length === 0) return isEqual(hash(this.#fallback, channel, key), hashes);
    for (const each of hashes.split(BETWEEN_HASHES)) {
      const [id, text = ''] = each.split(AFTER_ID, 2);
      const keys = known.find((candidate) => candidate.id === id);
      if (keys !== undefined) return isEqual(hash(keys.hashes, channel, key), text);
    }
    return false;
  }
}

function hash(secret: Buffer, channel: string, key: string): string {
  return createHmac('sha256', secret)
    .update(JSON.stringify([channel, key]))
    .digest('base64url');
}

function isEqual(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
