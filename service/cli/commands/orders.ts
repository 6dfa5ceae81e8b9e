import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderResult } from '../../http/api/schemas/order';
import { CommandFailure, ExitCode } from '../command-line/exit-codes';
import type { FleetOrder } from '../sources/fleet-source';
import { describeSeconds, parseDuration } from '../terminal/duration';
import { plainText } from '../terminal/plain-text';
import type { FleetContext } from './fleet-context';
import { missingLines } from './show';

const DEFAULT_BLOCK = '1h';
const MAX_BLOCK_SECONDS = 604_800;
const DEFAULT_WAIT = '1h';
const LOOK_MS = 2_000;

/** `end CHANNEL`, `unblock CHANNEL` */
export function channelOrder(context: FleetContext, order: 'end' | 'unblock'): Promise<ExitCode> {
  const [channel = ''] = context.args;
  return give(context, { order, channel });
}

/** `close CHANNEL STREAM_ID` */
export function closeCommand(context: FleetContext): Promise<ExitCode> {
  const [channel = '', streamId = ''] = context.args;
  return give(context, { order: 'close', channel, streamId });
}

/** `block CHANNEL --for TIME` */
export function blockCommand(context: FleetContext): Promise<ExitCode> {
  const [channel = ''] = context.args;
  const seconds = parseDuration(context.options.text('for') ?? DEFAULT_BLOCK);
  if (seconds === undefined || seconds < 1 || seconds > MAX_BLOCK_SECONDS) {
    throw new CommandFailure(ExitCode.NotUnderstood, '--for takes 90s, 15m, 2h or 1d; a week at most');
  }
  return give(context, { order: 'block', channel, seconds });
}

/** `drain NODE [--wait]` */
export async function drainCommand(context: FleetContext): Promise<ExitCode> {
  const [node = ''] = context.args;
  const { options } = context;
  const waitSeconds = parseDuration(options.text('timeout') ?? DEFAULT_WAIT);
  if (waitSeconds === undefined) throw new CommandFailure(ExitCode.NotUnderstood, '--timeout takes 90s, 15m, 2h or 1d');
  const code = await give(context, { order: 'drain', node });
  return code === ExitCode.Done && options.flag('wait') ? untilLeft(context, node, waitSeconds) : code;
}

/** Gives an order, and prints what it did. */
export async function give(context: FleetContext, order: FleetOrder): Promise<ExitCode> {
  const { fleet, terminal, options } = context;
  const result = await fleet.order(order);
  if (options.flag('json')) terminal.print(JSON.stringify(result, undefined, 2));
  else terminal.print(...describe(result, context));
  return result.done ? ExitCode.Done : ExitCode.NoEffect;
}

function describe(result: OrderResult, context: FleetContext): string[] {
  const { paint } = context.terminal;
  const { order, target, done, sentence, unanswered } = result;
  const mark = done ? paint('✓', 'green') : paint('✗', 'red');
  const name = order.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return [`${mark} ${name} ${plainText(target)}: ${plainText(sentence)}`, ...missingLines(unanswered, context)];
}

/** Waits until the fleet does not list the node any more, or it does not answer. */
async function untilLeft(context: FleetContext, node: string, waitSeconds: number): Promise<ExitCode> {
  const { terminal, options, signal } = context;
  const begunAt = performance.now();
  const passed = (): number => (performance.now() - begunAt) / 1000;
  while (!signal.aborted) {
    const left = await lookFor(context, node);
    if (left === undefined) {
      if (!options.flag('json')) terminal.print(`Node ${plainText(node)} has left after ${describeSeconds(passed())}.`);
      return ExitCode.Done;
    }
    if (passed() > waitSeconds) {
      throw new CommandFailure(
        ExitCode.NotInTime,
        `Node ${node} is still there after ${describeSeconds(passed())}: ${left}`,
      );
    }
    terminal.progress(`node ${plainText(node)} drains: ${left}, ${describeSeconds(passed())} …`);
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return ExitCode.NotInTime;
}

/** What is left on the node; undefined when it has left. */
async function lookFor({ fleet }: FleetContext, node: string): Promise<string | undefined> {
  try {
    const { nodes } = await fleet.nodes();
    const there = nodes.filter(({ id, machine, reachable }) => (id === node || machine === node) && reachable);
    if (there.length === 0) return undefined;
    const sum = (count: (one: (typeof there)[number]) => number | null): number =>
      there.reduce((total, one) => total + (count(one) ?? 0), 0);
    return `${sum(({ streams }) => streams)} streams and ${sum(({ players }) => players)} players left`;
  } catch (error) {
    // The node that was asked may be the one that has left.
    if (error instanceof CommandFailure && error.exitCode === ExitCode.Unreachable) return undefined;
    throw error;
  }
}
