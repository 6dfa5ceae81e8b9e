import type * as IoRedis from 'ioredis';
import type { Redis, RedisOptions } from 'ioredis';
import type { RedisConfig } from '../config/redis-settings';

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 15_000;
/** How long the server has to close its side; the process cannot end before. */
const DISCONNECT_TIMEOUT_MS = 500;

/**
 * A connection to this Redis; `options` come on top of what all connections have in common: RESP2, because it
 * authenticates with AUTH alone (HELLO is unknown to old servers and needs the name of the user even for
 * `requirepass`), and no INFO and no CLIENT SETINFO, which a user of few rights may not run. A password that is kept
 * elsewhere is not in it: see `followPassword`.
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
