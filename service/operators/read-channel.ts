import type { RedisConfig } from '../config/redis-settings';
import type { Logger } from '../logging/logger';
import type { ChangingPassword } from '../redis/redis-password';
import { CommandChannel } from './command-channel';
import { CommandReplies } from './command-replies';
import { type PackedAnswer, parseReadRequest, type ReadRequest } from './read-request';

/** Answers what operators' programs want to read. No method rejects. */
export interface Reader {
  /** Id of the node that answers. */
  id(): Promise<string>;
  /** Whether a request of this rank is for this process to answer. */
  isAsked(rank: number): Promise<boolean>;
  /** Answers a path of the API below `/api/v1`, for the whole fleet. */
  read(path: string): Promise<PackedAnswer>;
}

export interface ReadChannelOptions {
  readonly config: RedisConfig;
  /** The password's source, if the configuration names a secret. */
  readonly password: ChangingPassword | undefined;
  readonly log: Logger;
  readonly reader: Reader;
}

/**
 * Answers requests to read for a process that carries out no commands, such as the parent of several workers. A node
 * that carries them out answers on the same subscription.
 */
export class ReadChannel {
  readonly #channel: CommandChannel;
  readonly #replies: CommandReplies;

  constructor({ config, password, log, reader }: ReadChannelOptions) {
    this.#replies = new CommandReplies({ config, password, log });
    this.#channel = new CommandChannel({
      config,
      password,
      log,
      livenessCheck: undefined,
      heard: (text) => {
        const request = parseReadRequest(text);
        if (request !== undefined) void answerRead(reader, this.#replies, request);
      },
      leftOut: () => undefined,
      subscribed: () => undefined,
    });
  }

  async close(): Promise<void> {
    this.#channel.close();
    await this.#replies.close();
  }
}

/** Answers one request, if it is for this process. Not logged, as consoles read every few seconds. */
export async function answerRead(
  reader: Reader,
  replies: Pick<CommandReplies, 'send'>,
  { rank, id, path }: ReadRequest,
): Promise<void> {
  if (await reader.isAsked(rank)) replies.send({ node: await reader.id(), read: id, ...(await reader.read(path)) });
}
