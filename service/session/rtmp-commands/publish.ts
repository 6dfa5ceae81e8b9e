import { maskKey } from '../../logging/mask';
import { asString, type CommandMessage } from '../../protocol/message/command-message';
import type { StreamTarget } from './name-rules';
import type { AdmissionOutcome } from './publish-gate';
import type { CommandSession } from './command-session';
import { refuseName } from './refuse-name';

/**
 * `publish`: names are checked, the gate decides (channel free, start callback), and only then is the client sent
 * Publish.Start. No message is processed before the answer: up to 64 KB of what the client sends meanwhile are read from
 * the socket and kept (see ByteIntake), the rest waits in the socket.
 */
export function publish(session: CommandSession, streamId: number, command: CommandMessage): void {
  const { state, streams } = session;
  if (state.phase !== 'connected') return;
  if (streams.publish !== null || streams.play?.streamId === streamId) {
    const reason = streams.publish === null ? 'Stream already playing' : 'Connection already publishing';
    streams.refuse(streamId);
    session.sendStatus(streamId, 'error', 'NetStream.Publish.BadConnection', reason);
    return;
  }
  const name = asString(command.args[0]) ?? '';
  const stream = session.context.names.streamTarget(state.target, name);
  if (stream === undefined) {
    const reason = refuseName(session, streamId, name, 'publish');
    const channel = session.context.names.channelOf(state.target, name);
    if (channel !== undefined) session.context.gate.misnamed?.(session, channel, reason);
    return;
  }
  const abort = new AbortController();
  streams.publish = { phase: 'authorizing', streamId, abort };
  session.wait();
  session.log.request('publish', { channel: stream.channel, key: maskKey(stream.key) });
  const span = session.trace.publish(stream.channel);
  void session.context.gate.admit(session, stream, abort.signal, span).then((outcome) => {
    if (outcome.accepted) span.set({ 'rtmp.stream_id': outcome.publication.grant.streamId });
    span.end(outcome.accepted ? undefined : outcome.reason);
    decided(session, streamId, stream, outcome);
  });
}

function decided(session: CommandSession, streamId: number, stream: StreamTarget, outcome: AdmissionOutcome): void {
  if (session.isClosed) {
    // The gate has seen the abort and begun no publication, unless both happened at the same moment.
    if (outcome.accepted) session.context.gate.leave(session, outcome.publication, true);
    return;
  }
  if (!outcome.accepted) {
    session.refuse(streamId, outcome.final ? 'NetStream.Publish.Denied' : 'NetStream.Publish.BadName', outcome.reason);
    return;
  }
  const { publication } = outcome;
  const { inlet } = publication;
  session.startPublish({ phase: 'publishing', streamId, stream, publication, inlet });
  const published = `/${stream.channel}/${stream.key} is now published.`;
  session.sendStatus(streamId, 'status', 'NetStream.Publish.Start', published);
  session.log.request('publish accepted', { channel: stream.channel, streamId: publication.grant.streamId });
  session.proceed();
}
