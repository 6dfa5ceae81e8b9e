import type { Redis } from 'ioredis';
import type { Duplex } from 'node:stream';
import type { RedisConfig } from '../config/redis-settings';
import type { Logger } from '../logging/logger';
import { openRedis } from './open-redis';
import { explainRedisFault, messageOf } from './redis-faults';
import { type ChangingPassword, followPassword } from './redis-password';

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;

/** How a connection that died in silence is noticed: the two add up to the longest that it takes. */
export interface LivenessCheck {
  /** How often an idle connection is tried. */
  readonly pingIntervalMs: number;
  /** A connection that owes an answer for this long is closed, and opened anew. */
  readonly answerTimeoutMs: number;
}

const DEFAULT_CHECK: LivenessCheck = { pingIntervalMs: 15_000, answerTimeoutMs: 10_000 };

/**
 * A connection for subscriptions that comes back by itself, for ever. An outage is logged once when it begins and once
 * when it is over, whatever happens in between. An idle connection is tried with PING, so that one that died in silence
 * is noticed: a subscriber sends nothing by itself.
 */
export class SubscriberConnection {
  readonly redis: Redis;
  private readonly where: string;
  private readonly secured: boolean;
  private readonly pings: NodeJS.Timeout;
  private readonly forgetPassword: (() => void) | undefined;
  private attempts = 0;
  private state: 'new' | 'up' | 'down' | 'closed' = 'new';
  private awaitsPong = false;
  private answered = false;

  constructor(
    config: RedisConfig,
    private readonly logger: Logger,
    { pingIntervalMs, answerTimeoutMs }: LivenessCheck = DEFAULT_CHECK,
    password?: ChangingPassword,
  ) {
    this.where = `${config.host}:${config.port}`;
    this.secured = config.tls !== undefined;
    this.redis = openRedis(config, {
      maxRetriesPerRequest: null,
      autoResubscribe: false,
      lazyConnect: password !== undefined,
      socketTimeout: answerTimeoutMs,
      // Not ioredis' own count: it begins anew when a connection opens, even if that is of no use.
      retryStrategy: () => this.nextRetryMs(),
    });
    this.redis.on('error', (error) => this.reportDown(error));
    this.redis.on('close', () => this.reportDown(new Error('the connection closed')));
    this.redis.on('connect', () => takesTurns(this.redis.stream));
    this.redis.on('ready', () => this.check());
    this.pings = setInterval(() => this.check(), pingIntervalMs);
    this.forgetPassword = password && followPassword(this.redis, password);
  }

  /** Finds out whether the connection is of use, without waiting for the next turn. */
  check(): void {
    if (this.awaitsPong || this.redis.status !== 'ready') {
      return;
    }
    this.awaitsPong = true;
    this.redis
      .ping()
      .then(
        () => this.reportUp(),
        // A user that may not PING is connected all the same; others are told what is wrong (LOADING, NOAUTH).
        (error: unknown) => (messageOf(error).startsWith('NOPERM') ? this.reportUp() : this.reportDown(error)),
      )
      .finally(() => {
        this.awaitsPong = false;
      });
  }

  /** Disconnects for good; nothing is logged any more. */
  close(): void {
    this.state = 'closed';
    clearInterval(this.pings);
    this.forgetPassword?.();
    this.redis.disconnect();
  }

  private nextRetryMs(): number {
    const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.attempts);
    this.attempts += 1;
    return delayMs * (0.5 + Math.random() / 2);
  }

  private reportUp(): void {
    this.attempts = 0;
    this.answered = true;
    if (this.state === 'new' || this.state === 'down') {
      this.logger.info(this.state === 'new' ? `Connected to Redis at ${this.where}` : `Redis at ${this.where} is back`);
      this.state = 'up';
    }
  }

  private reportDown(error: unknown): void {
    if (this.state === 'new' || this.state === 'up') {
      this.state = 'down';
      const reason = explainRedisFault(error, { secured: this.secured, answered: this.answered });
      this.logger.warning(`Redis at ${this.where} cannot be used, streams go on: ${reason}`);
    }
  }
}

/** Has a socket give everybody else a turn after each read, so that a flood of commands holds no stream up. */
function takesTurns(socket: Duplex): void {
  socket.on('data', () => {
    socket.pause();
    setImmediate(() => socket.resume());
  });
}
