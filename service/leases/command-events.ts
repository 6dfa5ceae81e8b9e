import type { ChannelCommand, UnblockCommand } from '../operators/command-parser';
import type { LifeEvent } from '../publishing/life-events';

/** What a command is to the life of its channel. */
export function lifeEventOf(command: ChannelCommand | UnblockCommand, now: number): readonly LifeEvent[] {
  switch (command.verb) {
    case 'kill-session':
      return [{ kind: 'kill' }];
    case 'close-stream':
      return command.streamIds.map((streamId) => ({ kind: 'close', streamId }));
    case 'block':
      return [{ kind: 'block', until: now + command.seconds * 1000 }];
    case 'unblock':
      return [{ kind: 'unblock' }];
  }
}
