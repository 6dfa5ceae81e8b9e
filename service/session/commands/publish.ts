import type { PublishDecision } from '../../auth/publish-authorizer';
import type { Channel } from '../../hub/channel';
import { maskKey } from '../../logging/mask';
import { asString, type CommandMessage } from '../../protocol/message/command-message';
import type { StreamTarget } from '../name-rules';
import type { Session } from '../session';

/**
 * `publish`: names are checked, the channel is reserved, the start callback asked, and only then does the client hear
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
  const draining = session.context.refusesPublishers();
  if (draining !== undefined) {
    session.refuse(streamId, 'NetStream.Publish.BadName', draining);
    return;
  }
  const channel = session.context.hub.channel(stream.channel);
  if (!channel.reserve(session)) {
    session.refuse(streamId, 'NetStream.Publish.BadName', 'Stream already publishing');
    return;
  }
  const abort = new AbortController();
  session.state = { phase: 'authorizing', target: state.target, channel, abort };
  session.wait();
  session.log.request('publish', { channel: stream.channel, key: maskKey(stream.key) });
  const { authorizer } = session.context;
  const request = { channel: stream.channel, key: stream.key, clientIp: session.clientIp, query: stream.query };
  void authorizer.authorizeStart(request, abort.signal).then((decision) => {
    decided(session, streamId, stream, channel, decision);
  });
}

function decided(
  session: Session,
  streamId: number,
  stream: StreamTarget,
  channel: Channel,
  decision: PublishDecision,
): void {
  const { state, context } = session;
  if (state.phase !== 'authorizing') {
    // The client left while it was being decided on; what was accepted has to be ended again.
    if (decision.accepted) {
      const { streamId: id } = decision.grant;
      context.authorizer.streamEnded({ ...stream, clientIp: session.clientIp, streamId: id });
    }
    return;
  }
  if (!decision.accepted) {
    session.refuse(
      streamId,
      decision.final ? 'NetStream.Publish.Denied' : 'NetStream.Publish.BadName',
      decision.reason,
    );
    return;
  }
  const publication = channel.begin(session, stream.key, decision.grant);
  session.state = { phase: 'publishing', target: state.target, channel, stream, streamId, publication };
  session.trust();
  session.deadlines.publishing();
  const published = `/${stream.channel}/${stream.key} is now published.`;
  session.sendStatus(streamId, 'status', 'NetStream.Publish.Start', published);
  session.log.request('publish accepted', { channel: stream.channel, streamId: decision.grant.streamId });
  session.proceed();
}

/** An empty key starts nothing but leaves the connection usable; any other bad name ends it. */
function refuseName(session: Session, streamId: number, name: string): void {
  const reason = `Bad stream key: 1 to ${session.context.names.maxLength} letters, digits, - and _ are allowed`;
  if (name === '' || name.startsWith('?')) session.sendStatus(streamId, 'error', 'NetStream.Publish.BadName', reason);
  else session.refuse(streamId, 'NetStream.Publish.BadName', reason);
}
