import { maskKey } from '../../logging/mask';
import { asString, type CommandMessage } from '../../protocol/message/command-message';
import type { StreamTarget } from '../name-rules';
import type { AdmissionOutcome } from '../publish-gate';
import type { Session } from '../session';

/**
 * `publish`: names are checked, the gate decides (channel free, start callback), and only then does the client hear
 * Publish.Start. Until the answer nothing more is read, so that media sent meanwhile waits in the client's socket.
 */
export function publish(session: Session, streamId: number, command: CommandMessage): void {
  const { state } = session;
  if (state.phase !== 'connected') {
    session.sendStatus(
      streamId,
      'error',
      'NetStream.Publish.BadConnection',
      'Connection already publishing or playing',
    );
    return;
  }
  const name = asString(command.args[0]) ?? '';
  const stream = session.context.names.streamTarget(state.target, name);
  if (stream === undefined) {
    refuseName(session, streamId, name);
    return;
  }
  const abort = new AbortController();
  session.state = { phase: 'authorizing', target: state.target, abort };
  session.wait();
  session.log.request('publish', { channel: stream.channel, key: maskKey(stream.key) });
  void session.context.gate.admit(session, stream, abort.signal).then((outcome) => {
    decided(session, streamId, stream, outcome);
  });
}

function decided(session: Session, streamId: number, stream: StreamTarget, outcome: AdmissionOutcome): void {
  const { state } = session;
  if (state.phase !== 'authorizing') {
    // Closed meanwhile. The gate has seen the abort and let nothing begin, unless it came in the very moment.
    if (outcome.accepted) session.context.gate.leave(session, outcome.publication, true);
    return;
  }
  if (!outcome.accepted) {
    session.refuse(streamId, outcome.final ? 'NetStream.Publish.Denied' : 'NetStream.Publish.BadName', outcome.reason);
    return;
  }
  const { publication } = outcome;
  const { inlet } = publication;
  session.state = { phase: 'publishing', target: state.target, stream, streamId, publication, inlet };
  session.trust();
  session.deadlines.publishing();
  const published = `/${stream.channel}/${stream.key} is now published.`;
  session.sendStatus(streamId, 'status', 'NetStream.Publish.Start', published);
  session.log.request('publish accepted', { channel: stream.channel, streamId: publication.grant.streamId });
  session.proceed();
}

/** An empty key starts nothing but leaves the connection usable; any other bad name ends it. */
function refuseName(session: Session, streamId: number, name: string): void {
  const reason = `Bad stream key: ${session.context.names.allowed} are allowed`;
  if (name === '' || name.startsWith('?')) session.sendStatus(streamId, 'error', 'NetStream.Publish.BadName', reason);
  else session.refuse(streamId, 'NetStream.Publish.BadName', reason);
}
