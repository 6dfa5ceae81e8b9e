import type * as IoRedis from 'ioredis';
import type { Redis, RedisOptions } from 'ioredis';
import type { RedisConfig } from '../config/redis-settings';

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 15_000;
/** How long to wait for the server to close its side (ms); the process cannot end before. */
const DISCONNECT_TIMEOUT_MS = 500;

/**
 * A connection to this Redis; `options` are added to the options that all connections share: RESP2, because it
 * authenticates with AUTH only (old servers do not know HELLO, which needs the user's name even for `requirepass`), and
 * no INFO and no CLIENT SETINFO, which a user with few rights may not run. A password in Secrets Manager is set later:
 * see `followPassword`.
 */
export function openRedis(config: RedisConfig, options: Omit<RedisOptions, 'replyMapping'>): Redis {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loading it takes 12 MB, which others need not pay
  const ioredis = require('ioredis') as typeof IoRedis;
  return new ioredis.Redis({
    host: config.host,
    port: config.port,
    protocol: 2,
    connectionName: 'rtmp-server',
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    enableReadyCheck: false,
    disableClientInfo: true,
    ...(config.username !== undefined && { username: config.username, password: '' }),
    ...(typeof config.password === 'string' && { password: config.password }),
    ...(config.tls && { tls: config.tls.ca === undefined ? {} : { ca: config.tls.ca } }),
    ...options,
  });
}
