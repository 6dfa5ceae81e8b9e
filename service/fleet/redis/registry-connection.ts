import type { Redis } from 'ioredis';
import { openRedis } from '../../commands/open-redis';
import { messageOf } from '../../commands/redis-connection';
import { type ChangingPassword, followPassword } from '../../commands/redis-password';
import type { RedisConfig } from '../../config/redis-settings';
import type { RegistryScript } from './registry-script';

const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;
const CONNECT_TIMEOUT_MS = 3_000;

/** A demoted primary goes on answering, but cannot be written to; another connection leads to the new one. */
const NOT_PRIMARY = /\bREADONLY\b/;

export interface RegistryConnectionOptions {
  readonly config: RedisConfig;
  readonly password?: ChangingPassword | undefined;
  /** Every key and channel of the registry begins with this; must hold a hash tag. */
  readonly prefix: string;
  readonly requestTimeoutMs: number;
  /** The incarnation that all requests are made for. */
  readonly nodeId: string;
  readonly incarnation: string;
}

export interface RegistryReply {
  readonly status: string;
  readonly rest: readonly string[];
}

/**
 * The node's connection for requests. Each is answered within a bounded time or not at all: none waits for a
 * connection, and none is sent twice. Requests are executed in the order in which they are made.
 */
export class RegistryConnection {
  readonly #options: RegistryConnectionOptions;
  readonly #redis: Redis;
  #forgetPassword: (() => void) | undefined;
  /** Scripts that the server knows by their digest, as far as this connection has seen. */
  #known = new Set<RegistryScript>();
  #attempts = 0;
  #epoch = 0;
  #writes = 0;
  #lastError = 'not connected yet';
  /** Called when a connection was made; requests are possible from then on. */
  onConnected: () => void = () => undefined;
  /** Called when the server turns out to have lost writes of this node that it had confirmed. */
  onWritesLost: () => void = () => undefined;
  /** Called when it is not known whether a request was executed. */
  onUncertain: () => void = () => undefined;

  constructor(options: RegistryConnectionOptions) {
    this.#options = options;
    const { config, requestTimeoutMs } = options;
    this.#redis = openRedis(config, {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: requestTimeoutMs,
      // A connection on which nothing comes back for so long is not used any further.
      socketTimeout: 3 * requestTimeoutMs,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      retryStrategy: () => this.#nextRetryMs(),
      reconnectOnError: (error) => NOT_PRIMARY.test(error.message),
    });
    this.#redis.on('error', (error) => (this.#lastError = messageOf(error)));
    this.#redis.on('ready', () => {
      this.#epoch += 1;
      this.#known = new Set();
      this.onConnected();
    });
  }

  /** Number of the connection, from 1; part of what every request says of its node. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Why the last request was not answered, for the log. */
  get lastError(): string {
    return this.#lastError;
  }

  connect(): void {
    const { password } = this.#options;
    if (password) this.#forgetPassword = followPassword(this.#redis, password);
    else this.#redis.connect().catch(() => undefined);
  }

  /** Runs a script; undefined when there was no answer in time or an error. Never rejects. */
  async run(script: RegistryScript, args: readonly (string | number)[]): Promise<RegistryReply | undefined> {
    const epoch = this.#epoch;
    try {
      const reply = await this.#evaluate(script, args);
      this.#attempts = 0;
      return this.#read(reply);
    } catch (error) {
      this.#lastError = messageOf(error);
      // Whatever was asked before the first connection was not executed, and nothing is known to be repaired.
      if (epoch > 0) this.onUncertain();
      return undefined;
    }
  }

  close(): void {
    this.onConnected = () => undefined;
    this.#forgetPassword?.();
    this.#redis.disconnect();
  }

  async #evaluate(script: RegistryScript, args: readonly (string | number)[]): Promise<unknown> {
    const { prefix, nodeId, incarnation } = this.#options;
    const rest = [1, prefix, nodeId, incarnation, this.#epoch, ...args];
    const evaluate = (): Promise<unknown> => {
      if (this.#redis.status === 'ready') this.#known.add(script);
      return this.#redis.call('EVAL', script.lua, ...rest);
    };
    if (!this.#known.has(script)) return evaluate();
    try {
      return await this.#redis.call('EVALSHA', script.sha1, ...rest);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      return evaluate();
    }
  }

  #read(reply: unknown): RegistryReply {
    if (!Array.isArray(reply)) throw new Error('not the answer of a script');
    const [status, counter, ...rest] = reply.map(String);
    const writes = Number(counter);
    if (writes > 0) {
      const lost = writes <= this.#writes;
      this.#writes = writes;
      if (lost) this.onWritesLost();
    }
    return { status: status ?? '', rest };
  }

  #nextRetryMs(): number {
    const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    return delayMs * (0.5 + Math.random() / 2);
  }
}
