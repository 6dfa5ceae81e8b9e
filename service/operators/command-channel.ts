import type { RedisConfig } from '../config/redis-settings';
import type { Logger } from '../logging/logger';
import type { NameGrammar } from '../protocol/name-grammar';
import { CommandIntake } from './command-intake';
import { type Command, parseCommand } from './command-parser';
import { CommandReplies, type ListedStream } from './command-replies';
import { messageOf } from '../redis/redis-faults';
import { type LivenessCheck, SubscriberConnection } from '../redis/subscriber-connection';
import type { ChangingPassword } from '../redis/redis-password';

/**
 * The first nodes by name that list the registered nodes: one alone might miss the command, and all would say the same.
 */
const TELLERS = 3;
/** Waiting time before a refused subscription is tried again on the same connection. */
const SUBSCRIBE_RETRY_MS = 5_000;

export interface CommandOutcome {
  /** Whether the command had an effect on this node. */
  readonly acted: boolean;
  /** The effect, or why there was none: one line for the log. */
  readonly detail: string;
  /** For `list`. */
  readonly streams?: readonly ListedStream[];
}

export interface CommandedMember {
  readonly id: string;
  /** Ids of the fleet's nodes, at most some seconds old. */
  readonly known: () => readonly string[];
  /** Ids of all nodes that are registered now; empty when they cannot be read. Must not reject. */
  readonly registered: () => Promise<readonly string[]>;
}

export interface CommandChannelOptions {
  readonly config: RedisConfig;
  /** The rules for channel names. */
  readonly names: NameGrammar;
  readonly log: Logger;
  readonly execute: (command: Command) => CommandOutcome;
  /** This node as a member of its fleet; if given, the node publishes its replies on REDIS_CHANNEL:replies. */
  readonly member?: CommandedMember | undefined;
  /** Counts a command and whether it had an effect, on this node or in the registry. */
  readonly handled?: ((verb: Command['verb'], acted: boolean) => void) | undefined;
  /** A command was ignored, because there were too many. */
  readonly leftOut?: (() => void) | undefined;
  /**
   * Stores the command for nodes that missed it, and sets and lifts blocks. True for the first node that does so, if a
   * block was set or lifted. Called before the command is executed, so that a block is in force before an ended encoder
   * tries again. Must not reject.
   */
  readonly remember?: ((command: Command) => Promise<boolean>) | undefined;
  /** Subscribed, perhaps after an outage: commands may have been missed. */
  readonly subscribed?: (() => void) | undefined;
  /** Default: PING every 15 seconds, 10 seconds for an answer. */
  readonly livenessCheck?: LivenessCheck;
  /** The password's source, if the configuration names a secret. */
  readonly password?: ChangingPassword | undefined;
}

/**
 * Receives operators' commands on a Redis channel and executes them. Runs from construction until `stop`; while Redis
 * is unavailable, no command is received.
 */
export class CommandChannel {
  readonly #options: CommandChannelOptions;
  readonly #connection: SubscriberConnection;
  readonly #replies: CommandReplies;
  readonly #intake: CommandIntake;
  readonly #underWay = new Set<Promise<void>>();
  #retry: NodeJS.Timeout | undefined;
  #isSubscribed = false;
  #refusalLogged = false;
  #stopped = false;

  constructor(options: CommandChannelOptions) {
    this.#options = options;
    this.#connection = new SubscriberConnection(options.config, options.log, options.livenessCheck, options.password);
    this.#connection.redis.on('ready', () => this.#subscribe());
    this.#connection.redis.on('close', () => {
      this.#isSubscribed = false;
    });
    this.#connection.redis.on('message', (_channel: string, text: string) => {
      const received = this.#receive(text);
      this.#underWay.add(received);
      void received.finally(() => this.#underWay.delete(received));
    });
    this.#intake = new CommandIntake(options.log, () => options.leftOut?.());
    this.#replies = new CommandReplies(options);
  }

  /** Whether a command published now would be received, as far as is known. */
  get connected(): boolean {
    return this.#isSubscribed;
  }

  /**
   * Stops receiving; resolves when the last commands are answered, one of which may be the reason for this node's end.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#isSubscribed = false;
    clearTimeout(this.#retry);
    this.#intake.close();
    this.#connection.close();
    await Promise.all(this.#underWay);
    await this.#replies.close();
  }

  /** Called for each connection: the library does not repeat a subscription that was refused before. */
  #subscribe(): void {
    clearTimeout(this.#retry);
    const { redis } = this.#connection;
    const { config, log } = this.#options;
    redis.subscribe(config.channel).then(
      () => {
        if (!this.#isSubscribed && !this.#stopped) {
          this.#isSubscribed = true;
          this.#refusalLogged = false;
          log.info('Listening for commands on the Redis channel', { redisChannel: config.channel });
          this.#connection.check();
          this.#options.subscribed?.();
        }
      },
      (error: unknown) => {
        // A lost connection is reported elsewhere; when it is back, this method is called again.
        if (this.#stopped || redis.status !== 'ready') {
          return;
        }
        if (!this.#refusalLogged) {
          this.#refusalLogged = true;
          const fields = { redisChannel: config.channel };
          log.warning(`Redis refuses the subscription, it is tried again: ${messageOf(error)}`, fields);
        }
        this.#retry = setTimeout(() => this.#subscribe(), SUBSCRIBE_RETRY_MS * (0.5 + Math.random() / 2));
      },
    );
  }

  async #receive(text: string): Promise<void> {
    const { names, log, execute, remember, handled } = this.#options;
    if (!this.#intake.takes(text)) return;
    const command = parseCommand(text, names);
    if ('error' in command) {
      log.warning(`Redis command ignored: ${command.error}`);
      return;
    }
    const fields = {
      ...('channel' in command && { channel: command.channel }),
      ...('node' in command && { node: command.node }),
      ...(command.verb === 'close-stream' && { streamId: command.streamIds[0] }),
    };
    try {
      const remembered = remember?.(command);
      const outcome = execute(command);
      const final = (await remembered) === true ? withBlocks(command, outcome) : outcome;
      log.info(`Redis command ${command.verb} ${final.acted ? 'done' : 'had no effect'}: ${final.detail}`, fields);
      handled?.(command.verb, final.acted);
      this.#reply(command, text, final);
    } catch (error) {
      // Thrown out of the library's parser, the error would end the process.
      log.error(`Redis command ${command.verb} failed: ${messageOf(error)}`, fields);
    }
  }

  /** Nodes without an effect reply too, so that they can be told from nodes that missed the command. */
  #reply(command: Command, order: string, { acted, detail, streams }: CommandOutcome): void {
    const { member } = this.#options;
    if (member === undefined) return;
    this.#replies.send({
      node: member.id,
      command: command.verb,
      channel: 'channel' in command ? command.channel : '',
      order,
      acted,
      detail,
      ...(streams && { streams }),
      at: new Date().toISOString(),
    });
    if (!isTeller(member)) return;
    void member.registered().then((nodes) => {
      if (nodes.length > 0) this.#replies.send({ node: member.id, order, nodes });
    });
  }
}

function isTeller({ id, known }: CommandedMember): boolean {
  return known().filter((other) => other < id).length < TELLERS;
}

/** Adds the effect on the registry to the outcome of the first node that stored a command. */
function withBlocks(command: Command, outcome: CommandOutcome): CommandOutcome {
  if (command.verb === 'unblock') return { acted: true, detail: 'publishers are let in again' };
  if (command.verb !== 'block') return outcome;
  const kept = `publishers are kept out for ${command.seconds} s`;
  return { acted: true, detail: outcome.acted ? `${outcome.detail}, ${kept}` : kept };
}
