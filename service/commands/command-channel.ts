import type { RedisConfig } from '../config/redis-settings';
import type { Logger } from '../logging/logger';
import { type Command, parseCommand } from './command-parser';
import { type LivenessCheck, SubscriberConnection, messageOf } from './redis-connection';
import type { ChangingPassword } from './redis-password';

/** Waiting time before a refused subscription is tried again on the same connection. */
const SUBSCRIBE_RETRY_MS = 5_000;

export interface CommandOutcome {
  /** Whether anything was ended. */
  readonly acted: boolean;
  /** What was done, or why nothing: one line for the log. */
  readonly detail: string;
}

export interface CommandChannelOptions {
  readonly config: RedisConfig;
  readonly logger: Logger;
  readonly execute: (command: Command) => CommandOutcome;
  /** Default: PING every 15 seconds, 10 seconds for an answer. */
  readonly livenessCheck?: LivenessCheck;
  /** Where the password comes from when the configuration names a secret instead. */
  readonly password?: ChangingPassword | undefined;
}

/**
 * Hears operators' commands on a Redis channel and has them executed. Begins at once and goes on until `stop`; Redis
 * being away, then or later, only means that no command is heard meanwhile.
 */
export class CommandChannel {
  private readonly options: CommandChannelOptions;
  private readonly connection: SubscriberConnection;
  private retry: NodeJS.Timeout | undefined;
  private subscribed = false;
  private refusalLogged = false;
  private stopped = false;

  constructor(options: CommandChannelOptions) {
    this.options = options;
    this.connection = new SubscriberConnection(options.config, options.logger, options.livenessCheck, options.password);
    this.connection.redis.on('ready', () => this.subscribe());
    this.connection.redis.on('close', () => {
      this.subscribed = false;
    });
    this.connection.redis.on('message', (_channel: string, text: string) => this.receive(text));
  }

  /** Whether a command published now would be heard, as far as can be known. */
  get connected(): boolean {
    return this.subscribed;
  }

  stop(): void {
    this.stopped = true;
    this.subscribed = false;
    clearTimeout(this.retry);
    this.connection.close();
  }

  /** Done anew for each connection: the library forgets a subscription that has been refused before. */
  private subscribe(): void {
    clearTimeout(this.retry);
    const { redis } = this.connection;
    const { config, logger } = this.options;
    redis.subscribe(config.channel).then(
      () => {
        if (!this.subscribed && !this.stopped) {
          this.subscribed = true;
          this.refusalLogged = false;
          logger.info('Listening for commands on the Redis channel', { redisChannel: config.channel });
          this.connection.check();
        }
      },
      (error: unknown) => {
        // A lost connection is reported as such, and leads here again when it is back.
        if (this.stopped || redis.status !== 'ready') {
          return;
        }
        if (!this.refusalLogged) {
          this.refusalLogged = true;
          const fields = { redisChannel: config.channel };
          logger.warning(`Redis refuses the subscription, it is tried again: ${messageOf(error)}`, fields);
        }
        this.retry = setTimeout(() => this.subscribe(), SUBSCRIBE_RETRY_MS * (0.5 + Math.random() / 2));
      },
    );
  }

  private receive(text: string): void {
    const { logger, execute } = this.options;
    const command = parseCommand(text);
    if ('error' in command) {
      logger.warning(`Redis command ignored: ${command.error}`);
      return;
    }
    const fields = {
      channel: command.channel,
      ...(command.verb === 'close-stream' && { streamId: command.streamIds[0] }),
    };
    try {
      const { acted, detail } = execute(command);
      logger.info(`Redis command ${command.verb} ${acted ? 'done' : 'had no effect'}: ${detail}`, fields);
    } catch (error) {
      // Thrown on, it would end the process out of the library's parser.
      logger.error(`Redis command ${command.verb} failed: ${messageOf(error)}`, fields);
    }
  }
}
