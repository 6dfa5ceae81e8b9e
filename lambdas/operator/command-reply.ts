import type { OperatorRequest } from './operator-request';

/** What a node said of a command that it acted on. */
export interface CommandReply {
  readonly node: string;
  /** The command's name on the command channel, such as `kill-session`. */
  readonly command: string;
  /** Empty for commands that have none. */
  readonly channel: string;
  readonly detail: string;
  /** Of `list`: what is live on the node, as it says itself. */
  readonly streams?: readonly unknown[];
}

/** A thousand listed streams with the longest names are smaller. */
const MAX_LENGTH = 4 * 1024 * 1024;

/** One line of the replies channel; undefined for what is none. */
export function readReply(text: string): CommandReply | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = Object(JSON.parse(text)) as typeof fields;
  } catch {
    return undefined;
  }
  const { node, command, channel, detail, streams } = fields;
  if (typeof node !== 'string' || typeof command !== 'string') return undefined;
  if (typeof channel !== 'string' || typeof detail !== 'string') return undefined;
  return { node, command, channel, detail, ...(Array.isArray(streams) && { streams: streams as readonly unknown[] }) };
}

/** Whether a reply can be one to this request: commands of others are answered on the same channel. */
export function isReplyTo(request: OperatorRequest, verb: string, reply: CommandReply): boolean {
  if (reply.command !== verb) return false;
  if ('node' in request) return reply.node === request.node;
  return reply.channel === ('channel' in request ? request.channel : '');
}

/** How many replies there can be when so many nodes heard the command; with as many there is nothing to wait for. */
export function repliesExpected({ command }: OperatorRequest, receivers: number): number {
  if (receivers === 0) return 0;
  // To a block, the publisher's node replies, and the node that put the block into force.
  if (command === 'block') return Math.min(2, receivers);
  return command === 'list' ? receivers : 1;
}
