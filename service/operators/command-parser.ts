import type { NameGrammar } from '../protocol/name-grammar';

/** Ends the channel's publisher, whatever it streams. */
export interface KillSessionCommand {
  readonly verb: 'kill-session';
  readonly channel: string;
}

/** Ends the channel's publisher if its stream has one of the ids. */
export interface CloseStreamCommand {
  readonly verb: 'close-stream';
  readonly channel: string;
  /**
   * Ids that the command may mean, the likeliest first: everything after the first bar, since an id may contain bars,
   * and the part before the next bar, because the old server ignored further arguments.
   */
  readonly streamIds: readonly string[];
}

/** Ends the channel's publisher and keeps publishers out for a time. */
export interface BlockCommand {
  readonly verb: 'block';
  readonly channel: string;
  /** 1 to MAX_BLOCK_SECONDS. */
  readonly seconds: number;
}

/** Lets publishers in again. */
export interface UnblockCommand {
  readonly verb: 'unblock';
  readonly channel: string;
}

/** Drains one node without ending any stream. */
export interface DrainCommand {
  readonly verb: 'drain';
  readonly node: string;
}

/** Asks every node for its live streams. */
export interface ListCommand {
  readonly verb: 'list';
}

/** Commands that end a channel's stream. */
export type ChannelCommand = KillSessionCommand | CloseStreamCommand | BlockCommand;

export type Command = ChannelCommand | UnblockCommand | DrainCommand | ListCommand;

/** Why a message is not a command, in one line that quotes little of it. */
export interface CommandError {
  readonly error: string;
}

const NODE_ID = /^[A-Za-z0-9._:-]{1,255}$/;
const SECONDS = /^[1-9][0-9]{0,5}$/;
/** A week. */
export const MAX_BLOCK_SECONDS = 604_800;
const VERBS = 'kill-session, close-stream, block, unblock, drain and list';
const TRAILING_LINE_END = /\r?\n$/;
const MAX_ARGUMENT_LENGTH = 1024;
const MAX_QUOTED_LENGTH = 64;

/**
 * Reads one message of the command channel: `VERB>CHANNEL` or `VERB>CHANNEL|ARGUMENT`; `drain>NODE_ID` and `list>` have
 * no channel. Verbs may be written in any case; the channel has to satisfy `names`, and the argument has at most 1024
 * characters. A line end at the end, as `redis-cli -x` leaves it, is ignored. Never throws.
 */
export function parseCommand(text: string, names: NameGrammar): Command | CommandError {
  const line = text.replace(TRAILING_LINE_END, '');
  const verbEnd = line.indexOf('>');
  if (verbEnd < 0) {
    return { error: `no ">" in ${quote(line)}, as in kill-session>CHANNEL` };
  }
  const given = line.slice(0, verbEnd);
  const verb = given.toLowerCase();
  const rest = line.slice(verbEnd + 1);
  const channelEnd = rest.indexOf('|');
  const channel = channelEnd < 0 ? rest : rest.slice(0, channelEnd);
  const argument = channelEnd < 0 ? undefined : rest.slice(channelEnd + 1);
  switch (verb) {
    case 'kill-session':
    case 'unblock':
      return checkArguments(names, verb, channel) ?? { verb, channel };
    case 'close-stream':
      if (argument === undefined) {
        return { error: 'close-stream without a stream id, as in close-stream>CHANNEL|STREAM_ID' };
      }
      return checkArguments(names, verb, channel, argument) ?? { verb, channel, streamIds: possibleIds(argument) };
    case 'block':
      return checkArguments(names, verb, channel) ?? readBlock(channel, argument);
    case 'drain':
      return isNodeId(rest) ? { verb, node: rest } : { error: `drain with the bad node id ${quote(rest)}` };
    case 'list':
      return rest === '' ? { verb } : { error: `list with the argument ${quote(rest)}` };
    default:
      return { error: `unknown command ${quote(given)}; there are ${VERBS}` };
  }
}

/** The command as a message of the command channel. */
export function commandText(command: Command): string {
  switch (command.verb) {
    case 'kill-session':
    case 'unblock':
      return `${command.verb}>${command.channel}`;
    case 'close-stream':
      return `close-stream>${command.channel}|${command.streamIds[0] ?? ''}`;
    case 'block':
      return `block>${command.channel}|${command.seconds}`;
    case 'drain':
      return `drain>${command.node}`;
    case 'list':
      return 'list>';
  }
}

/** Whether a text can be the id of a node. */
export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}

/** Whether publishers can be kept out for so long. */
export function isBlockTime(seconds: number): boolean {
  return Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_BLOCK_SECONDS;
}

/** Whether a command ends its channel's stream, if the stream has this id. */
export function endsStream(command: Command | CommandError, streamId: string): boolean {
  if ('error' in command) return false;
  if (command.verb === 'close-stream') return command.streamIds.includes(streamId);
  return command.verb === 'kill-session' || command.verb === 'block';
}

function readBlock(channel: string, argument: string | undefined): BlockCommand | CommandError {
  const seconds = SECONDS.test(argument ?? '') ? Number(argument) : 0;
  return isBlockTime(seconds)
    ? { verb: 'block', channel, seconds }
    : { error: `block for ${quote(argument ?? '')} seconds, which is not 1 to ${MAX_BLOCK_SECONDS}` };
}

function checkArguments(names: NameGrammar, verb: string, channel: string, argument = ''): CommandError | undefined {
  if (!names.isName(channel)) {
    return { error: `${verb} with the bad channel name ${quote(channel)}` };
  }
  if (argument.length > MAX_ARGUMENT_LENGTH) {
    return { error: `${verb} with a stream id of ${argument.length} characters` };
  }
  // No stream has such an id; without its end, as a line of text, the command would mean another stream.
  if (/[\r\n]/.test(argument)) return { error: `${verb} with the bad stream id ${quote(argument)}` };
  return undefined;
}

function possibleIds(argument: string): string[] {
  const bar = argument.indexOf('|');
  return bar < 0 ? [argument] : [argument, argument.slice(0, bar)];
}

function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED_LENGTH ? `${text.slice(0, MAX_QUOTED_LENGTH)}…` : text);
}
