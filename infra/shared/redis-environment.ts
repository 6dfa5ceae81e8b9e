import type { CacheLogin, CommandCache } from './command-cache';

/** The variables with which the service and the operator function find the cache; the password only as an ARN. */
export function redisEnvironment(cache: CommandCache, login: CacheLogin, channel: string): Record<string, string> {
  return {
    REDIS_HOST: cache.host,
    REDIS_PORT: String(cache.port),
    REDIS_TLS: cache.tls ? 'YES' : 'NO',
    ...(login.username !== undefined && { REDIS_USERNAME: login.username }),
    REDIS_PASSWORD_ARN: login.password.secretArn,
    REDIS_CHANNEL: channel,
  };
}
