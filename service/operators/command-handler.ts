import type { Hub } from '../hub/hub';
import type { Publication } from '../hub/publication';
import type { ChannelCommand, Command } from './command-parser';
import type { ListedStream } from './command-replies';

/** What a publisher is told whose stream an operator ends. */
export const ENDED_BY_OPERATOR = 'Stream ended by the operator';

/** The most streams that one answer to `list` names. */
const MAX_LISTED = 1000;

export interface CommandOutcome {
  /** Whether the command had an effect on this node. */
  readonly acted: boolean;
  /** The effect, or why there was none: one line for the log. */
  readonly detail: string;
  /** Ends the stream that the command ends, unless that has happened meanwhile. */
  readonly end?: () => void;
  /** For `list`. */
  readonly streams?: readonly ListedStream[];
}

export interface CommandHandlerOptions {
  readonly hub: Hub;
  /** Whether the stream is held here for a lost publisher. */
  readonly isHeld: (publication: Publication) => boolean;
  /** Ends a stream that is held here. */
  readonly endHeld: (publication: Publication) => void;
  /** The ids by which operators call this node: its own, then its machine's, which several processes share. */
  readonly nodeIds: readonly string[];
  /** Drains and ends this node, and with it all processes of its machine. */
  readonly drain: () => void;
}

/** Executes operators' commands on this node's streams; those that end a stream when `end` is called. */
export class CommandHandler {
  readonly #options: CommandHandlerOptions;

  constructor(options: CommandHandlerOptions) {
    this.#options = options;
  }

  execute(command: Command): CommandOutcome {
    switch (command.verb) {
      case 'kill-session':
      case 'close-stream':
      case 'block':
        return this.#endStream(command);
      case 'unblock':
        return { acted: false, detail: 'the channel is not blocked' };
      case 'drain':
        return this.#drain(command.node);
      case 'list':
        return this.#list();
    }
  }

  #endStream(command: ChannelCommand): CommandOutcome {
    const publication = this.#options.hub.find(command.channel)?.publication;
    if (!publication) return { acted: false, detail: 'no stream is live on this channel' };
    if (command.verb === 'close-stream' && !command.streamIds.includes(publication.grant.streamId)) {
      return { acted: false, detail: describeId(publication.grant.streamId) };
    }
    const { publisher } = publication;
    if (publisher?.isRelay === true) return { acted: false, detail: 'the publisher is on another node' };
    const { isHeld, endHeld } = this.#options;
    if (publisher === null && !isHeld(publication)) return { acted: false, detail: 'the publisher is on another node' };
    const end = (): void => {
      if (publisher === null) endHeld(publication);
      else if (publication.publisher === publisher) publisher.kill(ENDED_BY_OPERATOR);
    };
    return { acted: true, detail: 'publisher disconnected', end };
  }

  #drain(id: string): CommandOutcome {
    const { nodeIds, drain } = this.#options;
    if (!nodeIds.includes(id)) return { acted: false, detail: `it means another node, this one is ${nodeIds[0]}` };
    drain();
    return { acted: true, detail: 'draining' };
  }

  #list(): CommandOutcome {
    const own = [...this.#options.hub.publications()].filter(({ publisher }) => publisher?.isRelay !== true);
    const streams = own.slice(0, MAX_LISTED).map(({ channel, grant, publisher, stream }) => ({
      channel,
      streamId: grant.streamId,
      client: publisher?.clientIp ?? '',
      players: stream.viewerCount,
    }));
    const live = own.length === 1 ? '1 stream is live' : `${own.length} streams are live`;
    const left = own.length - streams.length;
    return { acted: true, detail: left === 0 ? live : `${live}, the last ${left} are not listed`, streams };
  }
}

/** Why a `close-stream` with other ids does not end the stream, and which command would. */
function describeId(streamId: string): string {
  const other = 'kill-session would end it';
  return streamId === '' ? `the live stream has no id, ${other}` : `the live stream has the id ${streamId}, ${other}`;
}
