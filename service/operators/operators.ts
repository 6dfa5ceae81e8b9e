import type { RedisConfig } from '../config/redis-settings';
import type { Logger } from '../logging/logger';
import type { NameGrammar } from '../protocol/name-grammar';
import { messageOf } from '../errors/error-text';
import type { ChangingPassword } from '../redis/redis-password';
import type { LivenessCheck } from '../redis/subscriber-connection';
import { CommandChannel } from './command-channel';
import type { CommandOutcome } from './command-handler';
import { type Command, parseCommand } from './command-parser';
import { CommandReplies } from './command-replies';
import { answerRead, type Reader } from './read-channel';
import { parseReadRequest, type ReadRequest } from './read-request';

/**
 * The first nodes by name that list the registered nodes: one alone might miss the command, and all would say the same.
 */
const TELLERS = 3;

/**
 * How a command reached this node: `heard` on the Redis channel, `ordered` through the API, or `redelivered` by the
 * registry, because this node may have missed it.
 */
export type OrderOrigin = 'heard' | 'ordered' | 'redelivered';

const NAMES: Readonly<Record<OrderOrigin, string>> = {
  heard: 'Redis command',
  ordered: 'Order',
  redelivered: 'Redis command',
};

/** The result of a command, as the metric counts it. */
export type CommandResult = 'done' | 'no_effect' | 'left_out';

export interface CommandedMember {
  readonly id: string;
  /** Ids of the fleet's nodes, at most some seconds old. */
  readonly known: () => readonly string[];
  /** Ids of all nodes that are registered now; empty when they cannot be read. Must not reject. */
  readonly registered: () => Promise<readonly string[]>;
}

export interface OperatorsOptions {
  /** The Redis whose channel is subscribed; undefined: commands come in other ways only. */
  readonly config: RedisConfig | undefined;
  /** The password's source, if the configuration names a secret. */
  readonly password?: ChangingPassword | undefined;
  /** The rules for channel names. */
  readonly names: NameGrammar;
  readonly log: Logger;
  /** Executes a command on this node. */
  readonly carryOut: (command: Command) => CommandOutcome;
  /** This node as a member of its fleet; if given, the node publishes its replies on REDIS_CHANNEL:replies. */
  readonly member?: CommandedMember | undefined;
  /** Default: nothing can be read through the command channel. */
  readonly reader?: Reader | undefined;
  /**
   * See `LifeStore.remember`. Called before the stream is ended, so that a block is in force before an ended encoder
   * tries again. Must not reject.
   */
  readonly remember?: ((command: Command) => Promise<boolean>) | undefined;
  /** The channel is subscribed, perhaps after an outage: commands may have been missed. */
  readonly subscribed?: (() => void) | undefined;
  /** Counts a command by its effect on this node or in the registry; the verb of ignored commands is `any`. */
  readonly counted?: ((verb: Command['verb'] | 'any', result: CommandResult) => void) | undefined;
  /** Default: PING every 15 seconds, 10 seconds for an answer. */
  readonly livenessCheck?: LivenessCheck | undefined;
}

/**
 * Executes operators' commands. Every command passes through `execute`, whether it was heard on the Redis channel, ordered
 * through the API or redelivered by the registry, and is logged, counted and answered in the same way.
 */
export class Operators {
  readonly #options: OperatorsOptions;
  readonly #channel: CommandChannel | undefined;
  readonly #replies: CommandReplies | undefined;
  readonly #underWay = new Set<Promise<unknown>>();
  #drains = false;

  /** Subscribes to the Redis channel, if there is one. */
  constructor(options: OperatorsOptions) {
    this.#options = options;
    const { config, password, log, subscribed, livenessCheck } = options;
    if (config === undefined) return;
    this.#replies = new CommandReplies({ config, password, log });
    this.#channel = new CommandChannel({
      config,
      password,
      log,
      livenessCheck,
      heard: (text) => void this.execute(text, 'heard'),
      leftOut: () => options.counted?.('any', 'left_out'),
      subscribed: () => subscribed?.(),
    });
  }

  /** Whether a command published now would be received, as far as is known. */
  get connected(): boolean {
    return this.#channel?.connected === true;
  }

  /** Executes one command. Never rejects; resolves when the command is logged and its reply is being sent. */
  async execute(text: string, origin: OrderOrigin): Promise<CommandOutcome> {
    const execution = this.#execute(text, origin);
    this.#underWay.add(execution);
    const outcome = await execution;
    this.#underWay.delete(execution);
    return outcome;
  }

  /**
   * Unsubscribes; resolves when the last commands are answered, one of which may be the reason for this node's end.
   */
  async stop(): Promise<void> {
    this.#channel?.close();
    await Promise.all(this.#underWay);
    await this.#replies?.close();
  }

  async #execute(text: string, origin: OrderOrigin): Promise<CommandOutcome> {
    const { names, log, counted } = this.#options;
    const request = parseReadRequest(text);
    if (request !== undefined && origin === 'heard') {
      await this.#answer(request);
      return { acted: false, detail: 'reads' };
    }
    const command = parseCommand(text, names);
    if ('error' in command) {
      log.warning(`${NAMES[origin]} ignored: ${command.error}`);
      return { acted: false, detail: command.error };
    }
    if (origin === 'redelivered' && this.#isDone(command)) return { acted: false, detail: 'done before' };
    const fields = {
      ...('channel' in command && { channel: command.channel }),
      ...('node' in command && { node: command.node }),
      ...(command.verb === 'close-stream' && { streamId: command.streamIds[0] }),
    };
    try {
      const outcome = await this.#carryOut(command, origin);
      log.info(
        `${NAMES[origin]} ${command.verb} ${outcome.acted ? 'done' : 'had no effect'}: ${outcome.detail}`,
        fields,
      );
      counted?.(command.verb, outcome.acted ? 'done' : 'no_effect');
      if (origin !== 'ordered') this.#reply(command, text, outcome);
      return outcome;
    } catch (error) {
      // Thrown out of the Redis library's parser, the error would end the process.
      log.error(`${NAMES[origin]} ${command.verb} failed: ${messageOf(error)}`, fields);
      return { acted: false, detail: 'the node failed to carry it out; its log says why' };
    }
  }

  async #answer(request: ReadRequest): Promise<void> {
    const { reader } = this.#options;
    if (reader !== undefined && this.#replies !== undefined) await answerRead(reader, this.#replies, request);
  }

  /**
   * The registry stores the command and sets a block; this node ends the stream that is live here. A redelivered
   * command is in the registry already.
   */
  async #carryOut(command: Command, origin: OrderOrigin): Promise<CommandOutcome> {
    const { remember, carryOut } = this.#options;
    const outcome = carryOut(command);
    this.#drains ||= command.verb === 'drain' && outcome.acted;
    const isFirst = origin !== 'redelivered' && (await remember?.(command)) === true;
    outcome.end?.();
    return isFirst ? withBlock(command, outcome) : outcome;
  }

  /** Whether a redelivered command leaves this node nothing to do. */
  #isDone({ verb }: Command): boolean {
    // The registry has lifted the block, and a node receives `drain` on the channel, too.
    return verb === 'unblock' || (verb === 'drain' && this.#drains);
  }

  /** Nodes without an effect reply too, so that they can be told from nodes that missed the command. */
  #reply(command: Command, order: string, { acted, detail, streams }: CommandOutcome): void {
    const { member } = this.#options;
    const replies = this.#replies;
    if (member === undefined || replies === undefined) return;
    replies.send({
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
      if (nodes.length > 0) replies.send({ node: member.id, order, nodes });
    });
  }
}

function isTeller({ id, known }: CommandedMember): boolean {
  return known().filter((other) => other < id).length < TELLERS;
}

/** Adds the effect on the registry to the outcome of the first node that stored a `block` or `unblock`. */
function withBlock(command: Command, outcome: CommandOutcome): CommandOutcome {
  if (command.verb === 'unblock') return { acted: true, detail: 'publishers are let in again' };
  if (command.verb !== 'block') return outcome;
  const kept = `publishers are kept out for ${command.seconds} s`;
  return { acted: true, detail: outcome.acted ? `${outcome.detail}, ${kept}` : kept };
}
