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
   * Ids that the command may mean, the likeliest first: all that follows the first bar, for an id may hold bars itself,
   * and what stands before the next bar, because further arguments have always been ignored.
   */
  readonly streamIds: readonly string[];
}

export type Command = KillSessionCommand | CloseStreamCommand;

/** Why a message is not a command, in one line that quotes little of it. */
export interface CommandError {
  readonly error: string;
}

const CHANNEL_NAME = /^[A-Za-z0-9_-]+$/;
const TRAILING_LINE_END = /\r?\n$/;
const MAX_ARGUMENT_LENGTH = 1024;
const MAX_QUOTED_LENGTH = 64;

/**
 * Reads one message of the command channel: `VERB>CHANNEL` or `VERB>CHANNEL|ARGUMENT`. Verbs are case-sensitive; the
 * channel obeys the name rules and, like the argument, holds at most 1024 characters. The line end that `redis-cli -x`
 * leaves at the end is no part of it. Never throws.
 */
export function parseCommand(text: string): Command | CommandError {
  const line = text.replace(TRAILING_LINE_END, '');
  const verbEnd = line.indexOf('>');
  if (verbEnd < 0) {
    return { error: `no ">" in ${quote(line)}` };
  }
  const verb = line.slice(0, verbEnd);
  const rest = line.slice(verbEnd + 1);
  const channelEnd = rest.indexOf('|');
  const channel = channelEnd < 0 ? rest : rest.slice(0, channelEnd);
  const argument = channelEnd < 0 ? undefined : rest.slice(channelEnd + 1);
  switch (verb) {
    case 'kill-session':
      return checkArguments(verb, channel) ?? { verb, channel };
    case 'close-stream':
      if (argument === undefined) {
        return { error: 'close-stream without a stream id' };
      }
      return checkArguments(verb, channel, argument) ?? { verb, channel, streamIds: possibleIds(argument) };
    default:
      return { error: `unknown command ${quote(verb)}` };
  }
}

function checkArguments(verb: string, channel: string, argument = ''): CommandError | undefined {
  if (channel.length > MAX_ARGUMENT_LENGTH || !CHANNEL_NAME.test(channel)) {
    return { error: `${verb} with the bad channel name ${quote(channel)}` };
  }
  if (argument.length > MAX_ARGUMENT_LENGTH) {
    return { error: `${verb} with a stream id of ${argument.length} characters` };
  }
  return undefined;
}

function possibleIds(argument: string): string[] {
  const bar = argument.indexOf('|');
  return bar < 0 ? [argument] : [argument, argument.slice(0, bar)];
}

function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED_LENGTH ? `${text.slice(0, MAX_QUOTED_LENGTH)}…` : text);
}
