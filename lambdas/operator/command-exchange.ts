import { describeError } from '../shared/lambda-logger';
import { openRedis, publishCommand } from './command-publisher';
import { type CommandReply, isReplyTo, readReply, repliesExpected } from './command-reply';
import type { RedisAddress } from './operator-config';
import { commandMessage, type OperatorRequest } from './operator-request';

export interface CommandOutcome {
  /** Nodes that heard the command. */
  readonly receivers: number;
  /** What they said within the waiting time; those that had nothing to do say nothing. */
  readonly replies: readonly CommandReply[];
  /** Why no replies could be heard; the command was given all the same. */
  readonly deaf?: string;
}

export interface ExchangeOptions {
  readonly address: RedisAddress;
  readonly password: string | undefined;
  /** The command channel; nodes reply on its name with `:replies`. */
  readonly channel: string;
  /** How long to wait for replies after the command was given (ms). */
  readonly replyMs?: number;
}

const REPLY_MS = 2_000;
/** For connecting and subscribing; a command must not wait long for ears. */
const SUBSCRIBE_MS = 3_000;
/** The function's answer may not hold more than 6 MB. */
const MAX_REPLIES_LENGTH = 4 * 1024 * 1024;

/**
 * Gives a command and listens for what the nodes say to it, for a bounded time. It listens before it speaks, so that no
 * reply is missed.
 * @throws CommandNotPublished when the command could not be given.
 */
export async function exchangeCommand(request: OperatorRequest, options: ExchangeOptions): Promise<CommandOutcome> {
  const { address, password, channel, replyMs = REPLY_MS } = options;
  const message = commandMessage(request);
  const verb = message.slice(0, message.indexOf('>'));
  const replies: CommandReply[] = [];
  let length = 0;
  let expected = Infinity;
  let enough: () => void = () => undefined;

  const ears = openRedis(address, password, SUBSCRIBE_MS);
  ears.on('error', () => undefined);
  ears.on('message', (_channel: string, text: string) => {
    const reply = readReply(text);
    if (reply === undefined || !isReplyTo(request, verb, reply)) return;
    length += text.length;
    if (length > MAX_REPLIES_LENGTH) return;
    replies.push(reply);
    if (replies.length >= expected) enough();
  });
  try {
    const deaf = await within(
      SUBSCRIBE_MS,
      ears.connect().then(() => ears.subscribe(`${channel}:replies`)),
    );
    const receivers = await publishCommand(address, password, channel, message);
    if (deaf !== undefined) return { receivers, replies, deaf };
    expected = repliesExpected(request, receivers);
    if (replies.length < expected) {
      await new Promise<void>((resolve) => {
        enough = resolve;
        setTimeout(resolve, replyMs).unref();
      });
    }
    return { receivers, replies };
  } finally {
    ears.disconnect();
  }
}

/** Why it failed or took too long; undefined when it was done in time. */
async function within(timeoutMs: number, done: Promise<unknown>): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${timeoutMs} ms`), timeoutMs);
  });
  const result = done.then(() => undefined, describeError);
  try {
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}
