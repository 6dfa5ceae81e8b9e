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
  /** `<node id>/<incarnation>`, as in announcements of its mail. */
  readonly member: string;
  readonly mail: () => void;
  readonly channelChanged: (channel: string) => void;
}

/** Most channels that are watched: clients can name any. A change of a further channel is noticed at the next look-up. */
const MAX_WATCHED = 10_000;
/** Subscriptions in one request, so that Redis serves others in between. */
const AT_ONCE = 500;

/**
 * Receives announcements of mail for this node, and of changes of the channels that it watches; Redis sends it no
 * others, so that an announcement costs as much as there are nodes that wait for it. A node that misses an announcement
 * notices the change a little later, at its next renewal or look-up, so a lost connection is not logged.
 */
export class WakeUps {
  readonly #options: WakeUpsOptions;
  readonly #redis: Redis;
  readonly #pings: NodeJS.Timeout;
  readonly #watched = new Set<string>();
  #forgetPassword: (() => void) | undefined;

  constructor(options: WakeUpsOptions) {
    this.#options = options;
    const redis = openRedis(options.config, {
      lazyConnect: true,
      maxRetriesPerRequest: null,
      autoResubscribe: false,
      socketTimeout: ANSWER_TIMEOUT_MS,
      retryStrategy: (attempt) => Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt) * (0.5 + Math.random() / 2),
    });
    this.#redis = redis;
    redis.on('error', () => undefined);
    redis.on('ready', () => this.#subscribeAll());
    redis.on('message', (topic: string) => this.#received(topic));
    // A subscriber sends nothing else, and would not notice that its connection is dead.
    this.#pings = setInterval(() => {
      if (redis.status === 'ready') redis.ping().catch(() => undefined);
    }, PING_MS);
  }

  connect(): void {
    const { password } = this.#options;
    if (password) this.#forgetPassword = followPassword(this.#redis, password);
    else this.#redis.connect().catch(() => undefined);
  }

  /** Changes of the channel are announced to this node once this resolves. Never rejects. */
  async watch(channel: string): Promise<void> {
    if (this.#watched.has(channel) || this.#watched.size >= MAX_WATCHED) return;
    this.#watched.add(channel);
    if (this.#redis.status === 'ready') await this.#redis.subscribe(this.#topicOf(channel)).catch(() => undefined);
  }

  unwatch(channels: readonly string[]): void {
    const topics = channels.filter((channel) => this.#watched.delete(channel)).map((name) => this.#topicOf(name));
    if (topics.length > 0 && this.#redis.status === 'ready') {
      this.#redis.unsubscribe(...topics).catch(() => undefined);
    }
  }

  close(): void {
    clearInterval(this.#pings);
    this.#forgetPassword?.();
    this.#redis.disconnect();
  }

  #subscribeAll(): void {
    const { mail } = this.#options;
    this.#redis.subscribe(this.#mailTopic).then(mail, () => undefined);
    const topics = [...this.#watched].map((channel) => this.#topicOf(channel));
    for (let i = 0; i < topics.length; i += AT_ONCE) {
      this.#redis.subscribe(...topics.slice(i, i + AT_ONCE)).catch(() => undefined);
    }
  }

  #received(topic: string): void {
    const { mail, channelChanged } = this.#options;
    if (topic === this.#mailTopic) mail();
    else channelChanged(topic.slice(this.#topicOf('').length));
  }

  get #mailTopic(): string {
    const { prefix, member } = this.#options;
    return `${prefix}mail ${member}`;
  }

  #topicOf(channel: string): string {
    return `${this.#options.prefix}channel ${channel}`;
  }
}
