import type { Redis } from 'ioredis';
import { describeError } from '../../errors/error-text';
import { within } from '../../time/within';
import { type Command, commandText } from '../command-parser';
import { Answers } from './answers';
import { type CommandReply, readReply } from './command-reply';

export interface CommandOutcome {
  /** How many nodes answered, whether or not they acted; the wait may end before all nodes have answered. */
  readonly answered: number;
  /** The replies of the nodes that acted. */
  readonly replies: readonly CommandReply[];
  /**
   * Ids of registered nodes that did not answer in time; absent when there was no need to wait, or they are not known.
   */
  readonly silent?: readonly string[];
  /** Why no replies could be received; the command was published nevertheless. */
  readonly deaf?: string;
}

/** How a program that is no node reaches the command channel. */
export interface CommandPort {
  /** Makes a connection for subscriptions, which is opened with `connect`. */
  open(deadlineMs: number): Redis;
  /** Publishes a message on the command channel. */
  publish(message: string): Promise<void>;
  /** The command channel; nodes reply on its name with `:replies`. */
  readonly channel: string;
}

const REPLY_MS = 4_000;
/** Time limit of connecting and subscribing: a command must not wait long for the means to receive replies. */
const SUBSCRIBE_MS = 3_000;

/**
 * Publishes a command and waits, for a limited time, until the nodes have answered. It subscribes first, so that no
 * reply is missed. Rejects as `publish` does.
 *
 * @param replyMs how long to wait for replies after the command was published
 */
export async function giveCommand(command: Command, port: CommandPort, replyMs = REPLY_MS): Promise<CommandOutcome> {
  const message = commandText(command);
  const answers = new Answers(command.verb, message);
  let enough: () => void = () => undefined;

  const ears = port.open(SUBSCRIBE_MS);
  ears.on('error', () => undefined);
  ears.on('message', (_channel: string, text: string) => {
    const heard = readReply(text);
    if (heard !== undefined) answers.add(heard, text.length);
    if (answers.complete) enough();
  });
  try {
    const deaf = await faultOf(
      SUBSCRIBE_MS,
      ears.connect().then(() => ears.subscribe(`${port.channel}:replies`)),
    );
    await port.publish(message);
    if (deaf !== undefined) return { answered: 0, replies: [], deaf };
    const inTime = answers.complete || (await completes((resolve) => (enough = resolve), replyMs));
    const { count: answered, acted: replies, silent } = answers;
    return { answered, replies, ...(!inTime && silent !== undefined && { silent }) };
  } finally {
    ears.disconnect();
  }
}

/** Whether `done` is called in time. */
async function completes(callBack: (done: () => void) => void, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const inTime = await new Promise<boolean>((resolve) => {
    callBack(() => resolve(true));
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  clearTimeout(timer);
  return inTime;
}

/** Why the promise rejected or took too long; undefined when it resolved in time. */
function faultOf(timeoutMs: number, done: Promise<unknown>): Promise<string | undefined> {
  const result = done.then(() => undefined, describeError);
  return within(timeoutMs, result, () => `no answer within ${timeoutMs} ms`);
}
