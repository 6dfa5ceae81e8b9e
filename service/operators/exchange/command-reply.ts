/** A node's reply to a command. */
export interface CommandReply {
  readonly node: string;
  /** The command's name on the command channel, such as `kill-session`. */
  readonly command: string;
  /** Empty for commands that have none. */
  readonly channel: string;
  readonly detail: string;
  /** For `list`: the streams that are live on the node, as the node reports them. */
  readonly streams?: readonly unknown[];
}

/** One message of the replies channel: a node's reply to a command, or the list of registered nodes. */
export interface HeardReply {
  /** The command message that the node replies to. */
  readonly order: string;
  /** Ids of all registered nodes; empty when the message does not list them. */
  readonly nodes: readonly string[];
  readonly reply?: CommandReply & { readonly acted: boolean };
}

/** Messages that are longer are none of a node's: it would have to list some ten thousand streams with the longest names. */
const MAX_LENGTH = 16 * 1024 * 1024;

/** Reads one message of the replies channel; undefined for anything else. */
export function readReply(text: string): HeardReply | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = Object(JSON.parse(text)) as typeof fields;
  } catch {
    return undefined;
  }
  const { node, command, channel, detail, order, acted, streams, nodes } = fields;
  if (typeof node !== 'string' || typeof order !== 'string') return undefined;
  if (Array.isArray(nodes)) return { order, nodes: nodes.filter((id) => typeof id === 'string') };
  if (typeof command !== 'string' || typeof channel !== 'string' || typeof detail !== 'string') return undefined;
  const listed = Array.isArray(streams) && { streams: streams as readonly unknown[] };
  return { order, nodes: [], reply: { node, command, channel, detail, ...listed, acted: acted === true } };
}
