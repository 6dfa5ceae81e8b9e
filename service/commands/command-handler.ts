import type { Hub } from '../hub/hub';
import type { CommandOutcome } from './command-channel';
import type { Command } from './command-parser';

/** Carries operators' commands out on this node's streams. */
export class CommandHandler {
  constructor(private readonly hub: Hub) {}

  execute(command: Command): CommandOutcome {
    const publication = this.hub.find(command.channel)?.publication;
    if (!publication) return { acted: false, detail: 'no stream is live on this channel' };
    if (command.verb === 'close-stream' && !command.streamIds.includes(publication.grant.streamId)) {
      return { acted: false, detail: 'the live stream has another id' };
    }
    publication.publisher.kill('Stream ended by the operator');
    return { acted: true, detail: 'publisher disconnected' };
  }
}
