import { createHmac, timingSafeEqual } from 'node:crypto';

/** Compares stream keys between nodes without storing them: a hash under a secret that only the fleet has. */
export class KeyHash {
  #secret: Buffer;

  /** @param secret any bytes will do until the fleet's own are known */
  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /** From now on hashes are the fleet's. */
  use(secret: Buffer): void {
    this.#secret = secret;
  }

  of(key: string): string {
    return createHmac('sha256', this.#secret).update(key).digest('base64url');
  }

  /** Whether this is the key's hash, in a time that does not tell how much of it is right. */
  matches(key: string, hash: string): boolean {
    const expected = Buffer.from(this.of(key));
    const given = Buffer.from(hash);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}
