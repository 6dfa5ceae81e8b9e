import type { Redis } from 'ioredis';
import { openRedis } from '../../redis/open-redis';
import { messageOf } from '../../errors/error-text';
import { explainRedisFault } from '../../redis/redis-faults';
import { type ChangingPassword, followPassword } from '../../redis/redis-password';
import type { RedisConfig } from '../../config/redis-settings';
import { BoundedMap } from '../../collections/bounded-map';
import { CALL_SCHEMA, type RegistryScript, type ScriptCall } from './scripts/registry-script';
import { ServerClock } from './server-clock';

const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;
const CONNECT_TIMEOUT_MS = 3_000;

/** The server's clock is measured again this often, with the next request (ms). */
const MEASURE_AGAIN_MS = 30_000;
/** How often one request's script is run at most: again if it asks for keys that it was not given. */
const MAX_ROUNDS = 4;
const MAX_REMEMBERED_KEYS = 1_000;

/** A demoted primary still answers, but refuses writes; a new connection leads to the new primary. */
const NOT_PRIMARY = /\bREADONLY\b/;

/** `MOVED <slot> <host>:<port>`; the host is empty if it is the same. */
const MOVED = /^MOVED \d+ (.*):(\d+)$/;

/** Errors of ioredis for requests on a lost connection, whose cause is reported separately. */
const DISCONNECTED = /^Connection is closed|^Stream isn't writeable/;

export interface RegistryConnectionOptions {
  readonly config: RedisConfig;
  readonly password?: ChangingPassword | undefined;
  /** Every key and channel of the registry begins with this; must hold a hash tag. */
  readonly prefix: string;
  readonly requestTimeoutMs: number;
  /** The node and incarnation of all requests. */
  readonly nodeId: string;
  readonly incarnation: string;
  readonly clock?: ServerClock;
}

export interface RunOptions {
  /** Names, without the prefix, of further keys that this run touches. */
  readonly keys?: readonly string[];
  /**
   * Called with the answer before the request resolves, and for all requests in the order in which the server has carried
   * them out.
   */
  readonly read?: (reply: RegistryReply) => void;
}

export interface RegistryReply {
  readonly status: string;
  readonly rest: readonly string[];
}

/**
 * The node's connection for requests. A request is answered within a time limit or not at all: none waits for a
 * connection, and none is sent twice. Requests are executed in the order in which they are made.
 */
export class RegistryConnection {
  readonly #options: RegistryConnectionOptions;
  readonly #redis: Redis;
  #forgetPassword: (() => void) | undefined;
  /** Scripts that the server knows by their digest, as seen on this connection. */
  #known = new Set<RegistryScript<never>>();
  /** Keys that a script asked for in its last run, by script and argument: it will most likely ask again. */
  readonly #keys = new BoundedMap<string, readonly string[]>(MAX_REMEMBERED_KEYS);
  readonly #clock: ServerClock;
  #measuring = false;
  #measuredAt = -Infinity;
  #attempts = 0;
  #epoch = 0;
  #writes = 0;
  #lastError = 'not connected yet';
  #timeError = '';
  #answered = false;
  /** The address that the server redirected to, to be connected to next. */
  #movedTo: { readonly host: string; readonly port: number } | undefined;
  /** Called when a connection was made; requests are possible from then on. */
  onConnected: () => void = () => undefined;
  /** Called when the server turns out to have lost writes of this node that it had confirmed. */
  onWritesLost: () => void = () => undefined;

  constructor(options: RegistryConnectionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? new ServerClock();
    const { config, requestTimeoutMs } = options;
    this.#redis = openRedis(config, {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: requestTimeoutMs,
      // A connection without an answer for this long is closed.
      socketTimeout: 3 * requestTimeoutMs,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      retryStrategy: () => this.#nextRetryMs(),
      reconnectOnError: (error) => NOT_PRIMARY.test(error.message),
    });
    this.#redis.on('error', (error) => {
      this.#lastError = explainRedisFault(error, { secured: config.tls !== undefined, answered: this.#answered });
    });
    this.#redis.on('ready', () => {
      this.#epoch += 1;
      this.#lastError = 'the connection was lost';
      this.#known = new Set();
      this.#clock.serverChanged();
      void this.#begin();
    });
  }

  /** Number of the connection, from 1; part of every request. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The server's time as far as it is known, and how long requests may take (ms). */
  get serverMs(): number {
    return Number(this.#clock.now()) / 1000;
  }

  get requestTimeoutMs(): number {
    return this.#options.requestTimeoutMs;
  }

  /** Whether requests can be made at present. */
  get ready(): boolean {
    return this.#redis.status === 'ready';
  }

  /** Why the last request was not answered, for the log. */
  get lastError(): string {
    return this.#lastError;
  }

  /** Why the server's clock could not be read; empty when it could. */
  get timeError(): string {
    return this.#timeError;
  }

  connect(): void {
    const { password } = this.#options;
    if (password) this.#forgetPassword = followPassword(this.#redis, password);
    else this.#redis.connect().catch(() => undefined);
  }

  /**
   * Runs a script; undefined when there was no answer in time or an error. Never rejects.
   *
   * @param argument may be a function, which is called again when the script is run again with further keys: other
   * requests may have been made meanwhile. It returns undefined when the script is not needed any more.
   */
  async run<Argument extends object>(
    script: RegistryScript<Argument>,
    argument: Argument | (() => Argument | undefined),
    { keys = [], read }: RunOptions = {},
  ): Promise<RegistryReply | undefined> {
    const current = typeof argument === 'function' ? argument : () => argument;
    if (this.#epoch > 0 && performance.now() - this.#measuredAt > MEASURE_AGAIN_MS) void this.#measure();
    try {
      for (let round = 1; round <= MAX_ROUNDS; round += 1) {
        const value = current();
        if (value === undefined) return undefined;
        const reply = this.#read(await this.#evaluate(script, value, keys));
        this.#attempts = 0;
        if (reply.status !== 'undeclared') {
          read?.(reply);
          return reply;
        }
        this.#keys.set(runOf(script, value), reply.rest);
      }
      throw new Error(`${script.name} finds other keys each time`);
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  close(): void {
    this.onConnected = () => undefined;
    this.#forgetPassword?.();
    this.#redis.disconnect();
  }

  async #evaluate<Argument extends object>(
    script: RegistryScript<Argument>,
    argument: Argument,
    further: readonly string[],
  ): Promise<unknown> {
    const { prefix, nodeId: node, incarnation } = this.#options;
    const fixed = script.keys({ node, member: `${node}/${incarnation}` }, argument);
    const found = further.length > 0 ? [] : (this.#keys.get(runOf(script, argument)) ?? []);
    const keys = [...new Set([...fixed, ...further, ...found])].map((name) => prefix + name);
    const call: ScriptCall = {
      ...{ schema: CALL_SCHEMA, prefix, node, incarnation, epoch: this.#epoch, now: this.#clock.now(), argument },
    };
    const rest = [keys.length, ...keys, JSON.stringify(call)];
    const evaluate = (): Promise<unknown> => {
      if (this.#redis.status === 'ready') this.#known.add(script);
      return this.#redis.call('EVAL', script.lua, ...rest);
    };
    // Answers that arrive together are read in their order only if each takes the same number of steps until here.
    if (!this.#known.has(script)) return await evaluate();
    try {
      return await this.#redis.call('EVALSHA', script.sha1, ...rest);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      return await evaluate();
    }
  }

  #read(reply: unknown): RegistryReply {
    this.#answered = true;
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

  /** Requests begin once the server's time is known and, in a cluster, the node that has the keys. */
  async #begin(): Promise<void> {
    const epoch = this.#epoch;
    const found = this.#redis
      .call('EXISTS', `${this.#options.prefix}nodes`)
      .catch((error: unknown) => this.#failed(error));
    await Promise.all([this.#measure(), found]);
    if (epoch === this.#epoch && this.#redis.status === 'ready' && this.#movedTo === undefined) this.onConnected();
  }

  /** Keys of one hash tag are all on one node of a cluster: other nodes redirect to it, and it is connected to then. */
  #failed(error: unknown): void {
    const message = messageOf(error);
    if (!DISCONNECTED.test(message)) this.#lastError = message;
    const [, host = '', port = ''] = MOVED.exec(message) ?? [];
    if (port === '') return;
    const { host: current = '' } = this.#redis.options as { host?: string };
    this.#movedTo = { host: host === '' ? current : host, port: Number(port) };
    this.#redis.disconnect(true);
  }

  /** Measures the server's clock; if the server refuses or does not answer, the earlier measurement stays. */
  async #measure(): Promise<void> {
    if (this.#measuring) return;
    this.#measuring = true;
    this.#measuredAt = performance.now();
    try {
      await this.#clock.measure(() => this.#redis.call('TIME'));
      this.#timeError = '';
    } catch (error) {
      this.#timeError = messageOf(error);
    } finally {
      this.#measuring = false;
    }
  }

  /**
   * The pause before the next attempt (ms). Also sets the address to connect to: that of a redirect, or the configured
   * one.
   */
  #nextRetryMs(): number {
    const { host, port } = this.#movedTo ?? this.#options.config;
    Object.assign(this.#redis.options, { host, port });
    this.#movedTo = undefined;
    const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    return delayMs * (0.5 + Math.random() / 2);
  }
}

function runOf({ name }: RegistryScript<never>, argument: object): string {
  return `${name} ${JSON.stringify(argument)}`;
}
