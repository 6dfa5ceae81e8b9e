import type { CommandMessage } from '../../protocol/message/command-message';
import type { CommandSession } from './command-session';

/** `createStream`: ids count up from 1. */
export function createStream(session: CommandSession, _streamId: number, command: CommandMessage): void {
  session.streams.created += 1;
  session.sendCommand(0, ['_result', command.transactionId, null, session.streams.created]);
}

/**
 * `deleteStream` names the message stream to end. GStreamer sends the stream's name instead of the id: that means the
 * publish or, without a publish, the play. An unknown id is ignored.
 */
export function deleteStream(session: CommandSession, _streamId: number, command: CommandMessage): void {
  const [id] = command.args;
  endStream(session, typeof id === 'number' ? id : undefined);
}

/** `closeStream` ends the message stream that it came on; on stream 0, which some clients use, the only stream. */
export function closeStream(session: CommandSession, streamId: number): void {
  endStream(session, streamId === 0 ? undefined : streamId);
}

function endStream(session: CommandSession, id: number | undefined): void {
  const open = session.streams.find(id);
  if (open === null) return;
  const { streamId, stream } = open;
  if (open.phase === 'publishing') {
    session.endPublish();
    const name = `/${stream.channel}/${stream.key}`;
    session.sendStatus(streamId, 'status', 'NetStream.Unpublish.Success', `${name} is now unpublished.`);
  } else {
    session.endPlay();
    session.sendStatus(streamId, 'status', 'NetStream.Play.Stop', 'Stopped playing stream.');
  }
}
