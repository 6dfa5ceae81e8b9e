import type { Hub } from '../hub/hub';
import type { Publication } from '../hub/publication';
import type { CommandOutcome } from './command-channel';
import type { Command } from './command-parser';

/** Carries operators' commands out on this node's streams. */
export class CommandHandler {
  /** @param endHeld ends a stream whose publisher was lost and may come back */
  constructor(
    private readonly hub: Hub,
    private readonly endHeld: (publication: Publication) => void,
  ) {}

  execute(command: Command): CommandOutcome {
    const publication = this.hub.find(command.channel)?.publication;
    if (!publication) return { acted: false, detail: 'no stream is live on this channel' };
    if (command.verb === 'close-stream' && !command.streamIds.includes(publication.grant.streamId)) {
      return { acted: false, detail: 'the live stream has another id' };
    }
    const { publisher } = publication;
    if (publisher?.isRelay === true) return { acted: false, detail: 'the publisher is on another node' };
    if (publisher === null) this.endHeld(publication);
    else publisher.kill('Stream ended by the operator');
    return { acted: true, detail: 'publisher disconnected' };
  }
}
