import type { RedisConfig } from '../config/redis-settings';
import type { Logger } from '../logging/logger';
import { messageOf } from '../errors/error-text';
import type { ChangingPassword } from '../redis/redis-password';
import { type LivenessCheck, SubscriberConnection } from '../redis/subscriber-connection';
import { CommandIntake } from './command-intake';

/** Waiting time before a refused subscription is tried again on the same connection. */
const SUBSCRIBE_RETRY_MS = 5_000;

export interface CommandChannelOptions {
  readonly config: RedisConfig;
  /** The password's source, if the configuration names a secret. */
  readonly password: ChangingPassword | undefined;
  readonly log: Logger;
  /** Default: PING every 15 seconds, 10 seconds for an answer. */
  readonly livenessCheck: LivenessCheck | undefined;
  /** A message was published on the channel. Must not throw. */
  readonly heard: (text: string) => void;
  /** A message was ignored, because there were too many. */
  readonly leftOut: () => void;
  /** Subscribed, perhaps after an outage: messages may have been missed. */
  readonly subscribed: () => void;
}

/**
 * Receives operators' messages on a Redis channel. Runs from construction until `close`; while Redis is unavailable, no
 * message is received.
 */
export class CommandChannel {
  readonly #options: CommandChannelOptions;
  readonly #connection: SubscriberConnection;
  readonly #intake: CommandIntake;
  #retry: NodeJS.Timeout | undefined;
  #isSubscribed = false;
  #refusalLogged = false;
  #closed = false;

  constructor(options: CommandChannelOptions) {
    this.#options = options;
    const { config, log, livenessCheck, password, heard, leftOut } = options;
    this.#connection = new SubscriberConnection({ config, log, livenessCheck, password });
    this.#intake = new CommandIntake(log, leftOut);
    const { redis } = this.#connection;
    redis.on('ready', () => this.#subscribe());
    redis.on('close', () => {
      this.#isSubscribed = false;
    });
    redis.on('message', (_channel: string, text: string) => {
      if (this.#intake.takes(text)) heard(text);
    });
  }

  /** Whether a message published now would be received, as far as is known. */
  get connected(): boolean {
    return this.#isSubscribed;
  }

  close(): void {
    this.#closed = true;
    this.#isSubscribed = false;
    clearTimeout(this.#retry);
    this.#intake.close();
    this.#connection.close();
  }

  /** Called for each connection: the library does not repeat a subscription that was refused before. */
  #subscribe(): void {
    clearTimeout(this.#retry);
    this.#connection.redis.subscribe(this.#options.config.channel).then(
      () => this.#subscribed(),
      (error: unknown) => this.#refused(messageOf(error)),
    );
  }

  #subscribed(): void {
    if (this.#isSubscribed || this.#closed) return;
    const { config, log, subscribed } = this.#options;
    this.#isSubscribed = true;
    this.#refusalLogged = false;
    log.info('Listening for commands on the Redis channel', { redisChannel: config.channel });
    this.#connection.check();
    subscribed();
  }

  #refused(reason: string): void {
    // A lost connection is reported elsewhere; when it is back, `#subscribe` is called again.
    if (this.#closed || this.#connection.redis.status !== 'ready') return;
    const { config, log } = this.#options;
    if (!this.#refusalLogged) {
      this.#refusalLogged = true;
      log.warning(`Redis refuses the subscription, it is tried again: ${reason}`, { redisChannel: config.channel });
    }
    this.#retry = setTimeout(() => this.#subscribe(), SUBSCRIBE_RETRY_MS * (0.5 + Math.random() / 2));
  }
}
