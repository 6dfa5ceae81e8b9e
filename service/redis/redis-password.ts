import type { Redis } from 'ioredis';

/** A password that is kept elsewhere and may be rotated. */
export interface ChangingPassword {
  /** Calls back as soon as it is known and whenever it changes; returns the function that ends it. */
  follow(follower: (password: string) => void): () => void;
  /** `refused` was not accepted: resolves to another one, if there is one by now. */
  renew(refused: string): Promise<string | undefined>;
}

/** What servers answer to a wrong password (or none), from Redis 5 on. */
const REFUSED = /WRONGPASS|NOAUTH|invalid password/;

/**
 * Keeps the password of a connection that was made with `lazyConnect`: it connects once the password is known. A
 * change serves from the next reconnect on, as servers do not cut off who has logged in with the old one; a password
 * that is refused is asked for anew, while the connection goes on trying. Returns the function that ends it.
 */
export function followPassword(redis: Redis, password: ChangingPassword): () => void {
  redis.on('error', (error: Error) => {
    const refused = redis.options.password;
    if (REFUSED.test(error.message) && typeof refused === 'string') void password.renew(refused);
  });
  return password.follow((current) => {
    redis.options.password = current;
    // What it rejects with is reported by the 'error' event as well.
    if (redis.status === 'wait') redis.connect().catch(() => undefined);
  });
}
