import type { Redis } from 'ioredis';
import { messageOf } from '../errors/error-text';
import { within } from '../time/within';
import type { RedisConfig } from '../config/redis-settings';
import type { Logger } from '../logging/logger';
import { openRedis } from '../redis/open-redis';
import type { ReadReply } from './read-request';
import { type ChangingPassword, followPassword } from '../redis/redis-password';

const REPLIES_ENDING = ':replies';
/** Commands are rare: a connection is only kept for the next command of a series. */
const IDLE_MS = 10_000;
const TIMEOUT_MS = 5_000;
/** How long a node that ends, perhaps because of the command, waits for its replies to be sent. */
const FLUSH_MS = 500;

/** A node's reply to a command, as one line of JSON. */
export interface CommandReply {
  readonly node: string;
  readonly command: string;
  /** Empty for commands without a channel. */
  readonly channel: string;
  /** The command message that the node replies to. */
  readonly order: string;
  readonly acted: boolean;
  readonly detail: string;
  /** For `list`: the streams that are live on the node. */
  readonly streams?: readonly ListedStream[];
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** The registered nodes, whose replies can be expected; sent by some nodes in addition. */
export interface RegisteredNodes {
  readonly node: string;
  /** The command message that the node replies to. */
  readonly order: string;
  /** Ids of all registered nodes. */
  readonly nodes: readonly string[];
}

export interface ListedStream {
  readonly channel: string;
  readonly streamId: string;
  /** Address of the publisher; empty while the channel is held for it. */
  readonly client: string;
  /** Viewers: relays of other nodes are not counted. */
  readonly players: number;
}

export interface CommandRepliesOptions {
  readonly config: RedisConfig;
  readonly log: Logger;
  /** The password's source, if the configuration names a secret. */
  readonly password?: ChangingPassword | undefined;
}

/** Publishes replies on the channel named like the command channel with `:replies`. Nothing waits for them. */
export class CommandReplies {
  readonly #options: CommandRepliesOptions;
  #redis: Redis | undefined;
  #forgetPassword: (() => void) | undefined;
  #idle: NodeJS.Timeout | undefined;
  readonly #pending = new Set<Promise<void>>();
  #closed = false;
  #refused = false;

  constructor(options: CommandRepliesOptions) {
    this.#options = options;
  }

  send(reply: CommandReply | RegisteredNodes | ReadReply): void {
    if (this.#closed) return;
    const redis = this.#open();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#disconnect(), IDLE_MS);
    const published = redis.publish(`${this.#options.config.channel}${REPLIES_ENDING}`, JSON.stringify(reply)).then(
      () => undefined,
      (error: unknown) => this.#failed(messageOf(error), 'read' in reply ? reply.read : reply.order),
    );
    this.#pending.add(published);
    void published.then(() => this.#pending.delete(published));
  }

  /** Waits a moment for earlier replies to be sent. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#pending.size > 0) await within(FLUSH_MS, Promise.all(this.#pending), () => undefined);
    this.#disconnect();
  }

  /** A server that refuses PUBLISH refuses it each time, so only the first is a warning. */
  #failed(reason: string, order: string): void {
    const isRefusal = reason.startsWith('NOPERM');
    const say = isRefusal && !this.#refused ? 'warning' : 'debug';
    this.#refused ||= isRefusal;
    this.#options.log[say](`Reply to a command not published: ${reason}`, { order });
  }

  #disconnect(): void {
    clearTimeout(this.#idle);
    this.#forgetPassword?.();
    this.#redis?.disconnect();
    this.#redis = undefined;
  }

  #open(): Redis {
    if (this.#redis) return this.#redis;
    const { config, password } = this.#options;
    const redis = openRedis(config, {
      lazyConnect: password !== undefined,
      commandTimeout: TIMEOUT_MS,
      maxRetriesPerRequest: 3,
    });
    redis.on('error', () => undefined);
    this.#redis = redis;
    this.#forgetPassword = password && followPassword(redis, password);
    return redis;
  }
}
