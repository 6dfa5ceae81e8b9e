import type { Redis } from 'ioredis';

/** A password in an external store that may be rotated. */
export interface ChangingPassword {
  /** Calls back as soon as the password is known and whenever it changes; returns the function that ends this. */
  follow(follower: (password: string) => void): () => void;
  /** `refused` was not accepted: resolves to another password, if there is one by now. */
  renew(refused: string): Promise<string | undefined>;
}

/** Errors of servers, from Redis 5 on, for a wrong or missing password. */
const REFUSED = /WRONGPASS|NOAUTH|invalid password/;

/**
 * Sets the password of a connection that was made with `lazyConnect`, and connects it once the password is known. A new
 * password is used from the next reconnect on, as servers do not disconnect clients that logged in with the old one.
 * When the password is refused, the store is read again while the connection keeps reconnecting. Returns the function
 * that ends this.
 */
export function followPassword(redis: Redis, password: ChangingPassword): () => void {
  redis.on('error', (error: Error) => {
    const refused = redis.options.password;
    if (REFUSED.test(error.message) && typeof refused === 'string') void password.renew(refused);
  });
  return password.follow((current) => {
    redis.options.password = current;
    // The 'error' event reports a rejection as well.
    if (redis.status === 'wait') redis.connect().catch(() => undefined);
  });
}
