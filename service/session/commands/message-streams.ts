import type { CommandMessage } from '../../protocol/message/command-message';
import type { Session } from '../session';

/** `createStream`: ids count up from 1. */
export function createStream(session: Session, _streamId: number, command: CommandMessage): void {
  session.streamsCreated += 1;
  session.sendCommand(0, ['_result', command.transactionId, null, session.streamsCreated]);
}

/**
 * `deleteStream` names the message stream to end. GStreamer puts the stream's name where the id belongs: there is only
 * one stream it can mean. Any other id is left alone.
 */
export function deleteStream(session: Session, _streamId: number, command: CommandMessage): void {
  const [id] = command.args;
  endStream(session, typeof id === 'number' ? id : undefined);
}

/** `closeStream` ends the stream that it came on; some clients send it on stream 0. */
export function closeStream(session: Session, streamId: number): void {
  endStream(session, streamId === 0 ? undefined : streamId);
}

function endStream(session: Session, id: number | undefined): void {
  const { state } = session;
  if (state.phase !== 'publishing' && state.phase !== 'playing') return;
  if (id !== undefined && id !== state.streamId) return;
  const { streamId, stream } = state;
  session.leaveStream();
  if (state.phase === 'publishing') {
    const name = `/${stream.channel}/${stream.key}`;
    session.sendStatus(streamId, 'status', 'NetStream.Unpublish.Success', `${name} is now unpublished.`);
  } else {
    session.sendStatus(streamId, 'status', 'NetStream.Play.Stop', 'Stopped playing stream.');
  }
}
