import { commandText } from '../../service/operators/command-parser';
import { within } from '../../service/time/within';
import { describeError } from '../../service/errors/error-text';
import { Answers } from './answers';
import { openRedis, publishCommand } from './command-publisher';
import { type CommandReply, readReply } from './command-reply';
import type { RedisAddress } from './operator-config';
import { commandOf, type OperatorRequest } from './operator-request';

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

export interface ExchangeOptions {
  readonly address: RedisAddress;
  readonly password: string | undefined;
  /** The command channel; nodes reply on its name with `:replies`. */
  readonly channel: string;
  /** How long to wait for replies after the command was published (ms). */
  readonly replyMs?: number;
}

const REPLY_MS = 4_000;
/** Time limit of connecting and subscribing: a command must not wait long for the means to receive replies. */
const SUBSCRIBE_MS = 3_000;

/**
 * Publishes a command and waits, for a limited time, until the nodes have answered. It subscribes first, so that no
 * reply is missed.
 * @throws CommandNotPublished when the command could not be published.
 */
export async function exchangeCommand(request: OperatorRequest, options: ExchangeOptions): Promise<CommandOutcome> {
  const { address, password, channel, replyMs = REPLY_MS } = options;
  const message = commandText(commandOf(request));
  const answers = new Answers(request, message);
  let enough: () => void = () => undefined;

  const ears = openRedis(address, password, SUBSCRIBE_MS);
  ears.on('error', () => undefined);
  ears.on('message', (_channel: string, text: string) => {
    const heard = readReply(text);
    if (heard !== undefined) answers.add(heard, text.length);
    if (answers.complete) enough();
  });
  try {
    const deaf = await faultOf(
      SUBSCRIBE_MS,
      ears.connect().then(() => ears.subscribe(`${channel}:replies`)),
    );
    await publishCommand(address, password, channel, message);
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
