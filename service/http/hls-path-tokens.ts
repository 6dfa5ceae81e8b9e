import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** How long a viewer can play with one token (ms); the page gets another one with its key. */
const LIFETIME_MS = 6 * 3_600_000;

/**
 * Tokens in the paths of playlists and segments, which relative addresses inherit: they allow one channel for some hours,
 * so that the key is in no address but the first. The secret lives as long as the process.
 */
export class PathTokens {
  readonly #secret: Buffer;
  readonly #now: () => number;

  constructor(now: () => number = Date.now, secret = randomBytes(32)) {
    this.#now = now;
    this.#secret = secret;
  }

  sign(channel: string): string {
    const expiry = (this.#now() + LIFETIME_MS).toString(36);
    return `${expiry}.${this.#mac(channel, expiry).toString('base64url')}`;
  }

  verify(channel: string, token: string): boolean {
    const [, expiry, mac] = /^([0-9a-z]{1,12})\.([\w-]{43})$/.exec(token) ?? [];
    if (expiry === undefined || mac === undefined || parseInt(expiry, 36) < this.#now()) return false;
    return timingSafeEqual(Buffer.from(mac, 'base64url'), this.#mac(channel, expiry));
  }

  #mac(channel: string, expiry: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${expiry}\n${channel}`).digest();
  }
}
