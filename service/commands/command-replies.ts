import type { Redis } from 'ioredis';
import type { RedisConfig } from '../config/redis-settings';
import type { Logger } from '../logging/logger';
import { openRedis } from './open-redis';
import { messageOf } from './redis-connection';
import { type ChangingPassword, followPassword } from './redis-password';

const REPLIES_ENDING = ':replies';
/** Commands are rare: a connection is kept for the next one of a series only. */
const IDLE_MS = 10_000;
const TIMEOUT_MS = 5_000;

/** What a node says of a command that it acted on, as one line of JSON. */
export interface CommandReply {
  readonly node: string;
  readonly command: string;
  /** Empty for commands that have none. */
  readonly channel: string;
  readonly acted: boolean;
  readonly detail: string;
  /** Of `list`: what is live on the node. */
  readonly streams?: readonly ListedStream[];
  /** ISO 8601, UTC. */
  readonly at: string;
}

export interface ListedStream {
  readonly channel: string;
  readonly streamId: string;
  /** Address of the publisher; empty while the channel is held for it. */
  readonly client: string;
  readonly players: number;
}

/** Publishes replies on the command channel's name with `:replies`. Whoever listens gets them; nothing waits for them. */
export class CommandReplies {
  private redis: Redis | undefined;
  private forgetPassword: (() => void) | undefined;
  private idle: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: RedisConfig,
    private readonly logger: Logger,
    private readonly password?: ChangingPassword,
  ) {}

  send(reply: CommandReply): void {
    const redis = this.open();
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.close(), IDLE_MS);
    redis.publish(`${this.config.channel}${REPLIES_ENDING}`, JSON.stringify(reply)).catch((error: unknown) => {
      this.logger.debug(`Reply to a command not published: ${messageOf(error)}`, { command: reply.command });
    });
  }

  close(): void {
    clearTimeout(this.idle);
    this.forgetPassword?.();
    this.redis?.disconnect();
    this.redis = undefined;
  }

  private open(): Redis {
    if (this.redis) return this.redis;
    const redis = openRedis(this.config, {
      lazyConnect: this.password !== undefined,
      commandTimeout: TIMEOUT_MS,
      maxRetriesPerRequest: 3,
    });
    redis.on('error', () => undefined);
    this.redis = redis;
    this.forgetPassword = this.password && followPassword(redis, this.password);
    return redis;
  }
}
