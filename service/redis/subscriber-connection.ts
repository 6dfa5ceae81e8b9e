import type { Redis } from 'ioredis';
import type { Duplex } from 'node:stream';
import type { RedisConfig } from '../config/redis-settings';
import type { Logger } from '../logging/logger';
import { messageOf } from '../errors/error-text';
import { openRedis } from './open-redis';
import { explainRedisFault } from './redis-faults';
import { type ChangingPassword, followPassword } from './redis-password';

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;

/** How a silently dead connection is noticed: it takes at most the sum of the two. */
export interface LivenessCheck {
  /** How often an idle connection is tested with PING. */
  readonly pingIntervalMs: number;
  /** A connection without an answer for this long is closed and opened again. */
  readonly answerTimeoutMs: number;
}

export interface SubscriberConnectionOptions {
  readonly config: RedisConfig;
  readonly log: Logger;
  /** Default: PING every 15 seconds, 10 seconds for an answer. */
  readonly livenessCheck?: LivenessCheck | undefined;
  /** The password's source, if the configuration names a secret. */
  readonly password?: ChangingPassword | undefined;
}

const DEFAULT_CHECK: LivenessCheck = { pingIntervalMs: 15_000, answerTimeoutMs: 10_000 };

/** Different reasons that are logged of one outage. */
const MAX_REASONS = 5;

/**
 * A connection for subscriptions that reconnects for ever. An outage is logged once when it begins, once for each new
 * reason, and once when it is over. An idle connection is tested with PING, since a subscriber sends nothing else and would not notice a silently
 * dead connection.
 */
export class SubscriberConnection {
  readonly redis: Redis;
  readonly #log: Logger;
  readonly #where: string;
  readonly #secured: boolean;
  readonly #pings: NodeJS.Timeout;
  readonly #forgetPassword: (() => void) | undefined;
  #attempts = 0;
  #state: 'new' | 'up' | 'down' | 'closed' = 'new';
  #awaitsPong = false;
  #answered = false;
  /** What has been logged of this outage. */
  readonly #reasons = new Set<string>();

  constructor({ config, log, livenessCheck = DEFAULT_CHECK, password }: SubscriberConnectionOptions) {
    const { pingIntervalMs, answerTimeoutMs } = livenessCheck;
    this.#log = log;
    this.#where = `${config.host}:${config.port}`;
    this.#secured = config.tls !== undefined;
    this.redis = openRedis(config, {
      maxRetriesPerRequest: null,
      autoResubscribe: false,
      lazyConnect: password !== undefined,
      socketTimeout: answerTimeoutMs,
      // Not ioredis's own count, which starts again at each opened connection, even one that cannot be used.
      retryStrategy: () => this.#nextRetryMs(),
    });
    this.redis.on('error', (error) => this.#reportDown(error));
    this.redis.on('close', () => {
      // Of an outage that is known, the end of one more connection says nothing new.
      if (this.#state !== 'down') this.#reportDown(new Error('the connection closed'));
    });
    this.redis.on('connect', () => takesTurns(this.redis.stream));
    this.redis.on('ready', () => this.check());
    this.#pings = setInterval(() => this.check(), pingIntervalMs);
    this.#forgetPassword = password && followPassword(this.redis, password);
  }

  /** Tests the connection now, without waiting for the interval. */
  check(): void {
    if (this.#awaitsPong || this.redis.status !== 'ready') {
      return;
    }
    this.#awaitsPong = true;
    this.redis
      .ping()
      .then(
        () => this.#reportUp(),
        // A user that may not PING is connected nevertheless; other errors (LOADING, NOAUTH) are reported.
        (error: unknown) => (messageOf(error).startsWith('NOPERM') ? this.#reportUp() : this.#reportDown(error)),
      )
      .finally(() => {
        this.#awaitsPong = false;
      });
  }

  /** Disconnects permanently; nothing is logged any more. */
  close(): void {
    this.#state = 'closed';
    clearInterval(this.#pings);
    this.#forgetPassword?.();
    this.redis.disconnect();
  }

  #nextRetryMs(): number {
    const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    return delayMs * (0.5 + Math.random() / 2);
  }

  #reportUp(): void {
    this.#attempts = 0;
    this.#answered = true;
    if (this.#state === 'new' || this.#state === 'down') {
      this.#log.info(
        this.#state === 'new' ? `Connected to Redis at ${this.#where}` : `Redis at ${this.#where} is back`,
      );
      this.#state = 'up';
    }
  }

  #reportDown(error: unknown): void {
    if (this.#state === 'closed') return;
    const reason = explainRedisFault(error, { secured: this.#secured, answered: this.#answered });
    // An outage often begins as one fault and continues as another: Redis starts late, with another password.
    const isNews = this.#state !== 'down' || !(this.#reasons.has(reason) || this.#reasons.size >= MAX_REASONS);
    if (this.#state !== 'down') this.#reasons.clear();
    this.#state = 'down';
    if (!isNews) return;
    this.#reasons.add(reason);
    this.#log.warning(`Redis at ${this.#where} cannot be used, live streams continue: ${reason}`);
  }
}

/** Makes a socket wait for other work after each read, so that a flood of commands does not delay streams. */
function takesTurns(socket: Duplex): void {
  socket.on('data', () => {
    socket.pause();
    setImmediate(() => socket.resume());
  });
}
