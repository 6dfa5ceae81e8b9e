import { type Command, isBlockTime, isNodeId, MAX_BLOCK_SECONDS } from '../../service/operators/command-parser';
import { isStreamName } from '../shared/stream-names';

type Order =
  /** Ends the channel's publisher, whatever its stream. */
  | { readonly command: 'kill'; readonly channel: string }
  /** Ends the channel's publisher only if it is this stream. */
  | { readonly command: 'close'; readonly channel: string; readonly streamId: string }
  /** Ends the channel's publisher and keeps publishers out for a time. */
  | { readonly command: 'block'; readonly channel: string; readonly seconds: number }
  /** Lets publishers in again. */
  | { readonly command: 'unblock'; readonly channel: string }
  /** Drains one node without ending any stream, and ends the node. */
  | { readonly command: 'drain'; readonly node: string }
  /** Asks every node for its live streams. */
  | { readonly command: 'list' };

/** An operator's order and its reason, which is only written to the audit record. */
export type OrderRequest = Order & { readonly reason?: string | undefined };

/** Reads from the fleet: a path of the operators' API below `/api/v1`, such as `/streams?limit=100`. */
export interface ReadingRequest {
  readonly command: 'read';
  readonly path: string;
}

export type OperatorRequest = OrderRequest | ReadingRequest;

/** An invalid request; the message lists every fault. Nothing was published. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest';

  constructor(readonly faults: readonly string[]) {
    super(faults.join('; '));
  }
}

const FIELDS: Readonly<Record<OperatorRequest['command'], readonly string[]>> = {
  kill: ['channel'],
  close: ['channel', 'streamId'],
  block: ['channel', 'seconds'],
  unblock: ['channel'],
  drain: ['node'],
  list: [],
  read: ['path'],
};

const MAX_REASON_LENGTH = 500;
/** Printable ASCII, as in a URL. */
const API_PATH = /^\/[!-~]{0,2000}$/;

/** The rule for each field, by the nodes' grammar; names are those that every node accepts. */
const CHECKS: Readonly<Record<string, readonly [fits: (value: unknown) => boolean, rule: string]>> = {
  channel: [isStreamName, 'channel must be a name of A-Z a-z 0-9 _ -'],
  streamId: [isStreamName, 'streamId must be a name of A-Z a-z 0-9 _ -'],
  node: [(value) => typeof value === 'string' && isNodeId(value), 'node must be the id of a node'],
  path: [
    (value) => typeof value === 'string' && API_PATH.test(value),
    'path must be a path of the API below /api/v1, such as /streams?limit=100',
  ],
  seconds: [
    (value) => typeof value === 'number' && isBlockTime(value),
    `seconds must be a whole number from 1 to ${MAX_BLOCK_SECONDS}`,
  ],
};

function isCommand(value: unknown): value is OperatorRequest['command'] {
  return typeof value === 'string' && Object.hasOwn(FIELDS, value);
}

function isReason(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value.length <= MAX_REASON_LENGTH);
}

/**
 * Reads an invocation's payload.
 * @throws InvalidRequest listing everything that is wrong with it.
 */
export function parseOperatorRequest(input: unknown): OperatorRequest {
  const fields = (typeof input === 'object' && input !== null ? input : {}) as Readonly<Record<string, unknown>>;
  const { command, reason } = fields;
  if (!isCommand(command)) throw new InvalidRequest([`command must be one of ${Object.keys(FIELDS).join(', ')}`]);

  const own = FIELDS[command];
  const faults = Object.keys(fields)
    .filter((name) => !['command', 'reason', ...own].includes(name))
    .map((name) => `${command} takes no "${name}"`);
  for (const name of own) {
    const [fits, rule] = CHECKS[name] ?? [];
    if (fits?.(fields[name]) !== true) faults.push(rule ?? name);
  }
  if (command === 'read' && reason !== undefined) faults.push('read takes no "reason"');
  if (!isReason(reason)) faults.push(`reason must be a text of at most ${MAX_REASON_LENGTH} characters`);
  if (faults.length > 0) throw new InvalidRequest(faults);
  const values = Object.fromEntries(own.map((name) => [name, fields[name]]));
  // Every field of this command has been checked.
  return { command, ...values, ...(command !== 'read' && { reason }) } as OperatorRequest;
}

/** The command that nodes are to carry out. */
export function commandOf(request: OrderRequest): Command {
  switch (request.command) {
    case 'kill':
      return { verb: 'kill-session', channel: request.channel };
    case 'close':
      return { verb: 'close-stream', channel: request.channel, streamIds: [request.streamId] };
    case 'block':
      return { verb: 'block', channel: request.channel, seconds: request.seconds };
    case 'unblock':
      return { verb: 'unblock', channel: request.channel };
    case 'drain':
      return { verb: 'drain', node: request.node };
    case 'list':
      return { verb: 'list' };
  }
}
