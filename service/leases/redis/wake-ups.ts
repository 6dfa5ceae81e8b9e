import type { Redis } from 'ioredis';
import { openRedis } from '../../redis/open-redis';
import { type ChangingPassword, followPassword } from '../../redis/redis-password';
import type { RedisConfig } from '../../config/redis-settings';

const PING_MS = 5_000;
const ANSWER_TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;

export interface WakeUpsOptions {
  readonly config: RedisConfig;
  readonly password?: ChangingPassword | undefined;
  readonly prefix: string;
  /** `<node id>/<incarnation>`, as it stands in announcements of mail. */
  readonly member: string;
  readonly mail: () => void;
  readonly channelChanged: (channel: string) => void;
}

/**
 * Receives announcements of mail and of changed channels. A node that misses an announcement notices the change a little
 * later, at its next renewal or look-up, so a lost connection is not logged.
 */
export class WakeUps {
  readonly #redis: Redis;
  readonly #password: ChangingPassword | undefined;
  readonly #pings: NodeJS.Timeout;
  #forgetPassword: (() => void) | undefined;

  constructor({ config, password, prefix, member, mail, channelChanged }: WakeUpsOptions) {
    const redis = openRedis(config, {
      lazyConnect: true,
      maxRetriesPerRequest: null,
      autoResubscribe: false,
      socketTimeout: ANSWER_TIMEOUT_MS,
      retryStrategy: (attempt) => Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt) * (0.5 + Math.random() / 2),
    });
    this.#redis = redis;
    redis.on('error', () => undefined);
    redis.on('ready', () => {
      redis.subscribe(`${prefix}events`).then(mail, () => undefined);
    });
    redis.on('message', (_channel: string, text: string) => {
      const [kind, name = ''] = text.split(' ', 2);
      if (kind === 'channel') channelChanged(name);
      else if (kind === 'mail' && name === member) mail();
    });
    // A subscriber sends nothing else, and would not notice that its connection is dead.
    this.#pings = setInterval(() => {
      if (redis.status === 'ready') redis.ping().catch(() => undefined);
    }, PING_MS);
    this.#password = password;
  }

  connect(): void {
    if (this.#password) this.#forgetPassword = followPassword(this.#redis, this.#password);
    else this.#redis.connect().catch(() => undefined);
  }

  close(): void {
    clearInterval(this.#pings);
    this.#forgetPassword?.();
    this.#redis.disconnect();
  }
}
