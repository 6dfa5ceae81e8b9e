import { isStreamName } from '../shared/stream-names';

/** What an operator orders, and why; the reason goes into the audit record only. */
export type OperatorRequest =
  /** Ends the channel's publisher, whatever its stream. */
  | { readonly command: 'kill'; readonly channel: string; readonly reason?: string }
  /** Ends the channel's publisher only if it is this stream. */
  | { readonly command: 'close'; readonly channel: string; readonly streamId: string; readonly reason?: string };

/** A request that is not understood; the message lists every fault. Nothing was published. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest';

  constructor(readonly faults: readonly string[]) {
    super(faults.join('; '));
  }
}

const FIELDS: Readonly<Record<OperatorRequest['command'], readonly string[]>> = {
  kill: ['channel', 'reason'],
  close: ['channel', 'streamId', 'reason'],
};

const MAX_REASON_LENGTH = 500;

function isCommand(value: unknown): value is OperatorRequest['command'] {
  return typeof value === 'string' && Object.hasOwn(FIELDS, value);
}

function isReason(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value.length <= MAX_REASON_LENGTH);
}

/**
 * Reads an invocation's payload. Names are checked as strictly as the service checks them, because the command
 * channel separates them by `>` and `|` alone.
 * @throws InvalidRequest listing everything that is wrong with it.
 */
export function parseOperatorRequest(input: unknown): OperatorRequest {
  const fields = (typeof input === 'object' && input !== null ? input : {}) as Readonly<Record<string, unknown>>;
  const { command, channel, streamId, reason } = fields;
  if (!isCommand(command)) throw new InvalidRequest([`command must be one of ${Object.keys(FIELDS).join(', ')}`]);

  const faults = Object.keys(fields)
    .filter((name) => name !== 'command' && !FIELDS[command].includes(name))
    .map((name) => `${command} takes no "${name}"`);
  if (!isStreamName(channel)) faults.push('channel must be a name of A-Z a-z 0-9 _ -');
  if (command === 'close' && !isStreamName(streamId)) faults.push('streamId must be a name of A-Z a-z 0-9 _ -');
  if (!isReason(reason)) faults.push(`reason must be a text of at most ${MAX_REASON_LENGTH} characters`);
  if (faults.length > 0 || !isStreamName(channel) || !isReason(reason)) throw new InvalidRequest(faults);
  return command === 'close' && isStreamName(streamId)
    ? { command, channel, streamId, reason }
    : { command: 'kill', channel, reason };
}

/** The message on the command channel. */
export function commandMessage(request: OperatorRequest): string {
  return request.command === 'kill'
    ? `kill-session>${request.channel}`
    : `close-stream>${request.channel}|${request.streamId}`;
}
