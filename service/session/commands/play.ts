import { Player } from '../../hub/player';
import { asString, type CommandMessage } from '../../protocol/message/command-message';
import { userControl, UserControlEvent } from '../../protocol/message/control-messages';
import { sampleAccessMessage } from '../replies';
import type { Session } from '../session';

/** `play`: with no publisher the player idles until one comes with the same key. */
export function play(session: Session, streamId: number, command: CommandMessage): void {
  const { state, context } = session;
  if (state.phase !== 'connected') {
    session.sendStatus(streamId, 'error', 'NetStream.Play.BadConnection', 'Connection already publishing or playing');
    return;
  }
  const name = asString(command.args[0]) ?? '';
  const stream = context.names.streamTarget(state.target, name);
  if (stream === undefined) {
    const reason = `Bad stream key: 1 to ${context.names.maxLength} letters, digits, - and _ are allowed`;
    if (name === '' || name.startsWith('?')) session.sendStatus(streamId, 'error', 'NetStream.Play.BadName', reason);
    else session.refuse(streamId, 'NetStream.Play.BadName', reason);
    return;
  }
  if (!context.mayPlay(session.clientIp)) {
    session.refuse(streamId, 'NetStream.Play.BadName', 'This address may not play');
    return;
  }
  const channel = context.hub.channel(stream.channel);
  if (!channel.admits(stream.key)) {
    session.refuse(streamId, 'NetStream.Play.BadName', 'Wrong stream key');
    return;
  }
  const cache = new URLSearchParams(stream.query).get('cache');
  const player = new Player(session.transport, session, streamId, stream.key, cache !== 'no' && cache !== 'clear');
  session.state = { phase: 'playing', target: state.target, channel, stream, streamId, player };
  session.log.request('play', { channel: stream.channel });
  session.send(userControl(UserControlEvent.StreamBegin, streamId));
  session.sendStatus(streamId, 'status', 'NetStream.Play.Reset', 'Playing and resetting stream.');
  session.sendStatus(streamId, 'status', 'NetStream.Play.Start', 'Started playing stream.');
  session.send(sampleAccessMessage(streamId, session.chunkSize));
  if (cache === 'clear') channel.publication?.stream.clearCache();
  channel.addPlayer(player);
}
