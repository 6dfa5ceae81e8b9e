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
export type OperatorRequest = Order & { readonly reason?: string | undefined };

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
};

/** A week, the most that the service accepts. */
const MAX_BLOCK_SECONDS = 604_800;
const MAX_REASON_LENGTH = 500;

/**
 * The rule for each field. Names are as strict as the service's: only `>` and `|` separate them on the command channel.
 */
const CHECKS: Readonly<Record<string, readonly [fits: (value: unknown) => boolean, rule: string]>> = {
  channel: [isStreamName, 'channel must be a name of A-Z a-z 0-9 _ -'],
  streamId: [isStreamName, 'streamId must be a name of A-Z a-z 0-9 _ -'],
  node: [isNodeId, 'node must be the id of a node'],
  seconds: [isBlockTime, `seconds must be a whole number from 1 to ${MAX_BLOCK_SECONDS}`],
};

function isCommand(value: unknown): value is OperatorRequest['command'] {
  return typeof value === 'string' && Object.hasOwn(FIELDS, value);
}

function isNodeId(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z0-9._:-]{1,255}$/.test(value);
}

function isBlockTime(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_BLOCK_SECONDS;
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
  if (!isReason(reason)) faults.push(`reason must be a text of at most ${MAX_REASON_LENGTH} characters`);
  if (faults.length > 0) throw new InvalidRequest(faults);
  const values = Object.fromEntries(own.map((name) => [name, fields[name]]));
  // Every field of this command has been checked.
  return { command, ...values, reason } as OperatorRequest;
}

/** The message on the command channel. */
export function commandMessage(request: OperatorRequest): string {
  switch (request.command) {
    case 'kill':
      return `kill-session>${request.channel}`;
    case 'close':
      return `close-stream>${request.channel}|${request.streamId}`;
    case 'block':
      return `block>${request.channel}|${request.seconds}`;
    case 'unblock':
      return `unblock>${request.channel}`;
    case 'drain':
      return `drain>${request.node}`;
    case 'list':
      return 'list>';
  }
}
