import { keysEqual } from '../../hub/key-equality';
import { Player } from '../../hub/player';
import type { Publication } from '../../hub/publication';
import { asString, type CommandMessage } from '../../protocol/message/command-message';
import { userControl, UserControlEvent } from '../../protocol/message/control-messages';
import { sampleAccessMessage } from './replies';
import type { StreamTarget } from './name-rules';
import type { CommandSession } from './command-session';
import { PlayListener } from './play-listener';
import { refuseName } from './refuse-name';

/** `play`: without a publisher, the player idles until a publisher with the same key comes. */
export function play(session: CommandSession, streamId: number, command: CommandMessage): void {
  const { state, streams, context } = session;
  if (state.phase !== 'connected') return;
  if (streams.play !== null || streams.publish?.streamId === streamId) {
    const reason = streams.play === null ? 'Stream already publishing' : 'Connection already playing';
    session.sendStatus(streamId, 'error', 'NetStream.Play.BadConnection', reason);
    return;
  }
  const name = asString(command.args[0]) ?? '';
  const stream = context.names.streamTarget(state.target, name);
  if (stream === undefined) {
    refuseName(session, streamId, name, 'play');
    return;
  }
  const token = new URLSearchParams(stream.query).get('fleet');
  if (token === null || context.verifyRelay === undefined) {
    playWhereStreamIs(session, streamId, stream);
    return;
  }
  // No message is read until the token is checked: no publish or play can begin meanwhile, but the session may close.
  session.wait();
  void context.verifyRelay(token, stream.channel).then((allowed) => {
    if (session.isClosed) return;
    if (allowed) begin(session, streamId, stream, true);
    else session.refuse(streamId, 'NetStream.Play.BadName', 'Bad relay token');
    session.proceed();
  });
}

function playWhereStreamIs(session: CommandSession, streamId: number, stream: StreamTarget): void {
  const isHere = (session.context.hub.find(stream.channel)?.publication ?? null) !== null;
  if (isHere || !session.opening.canMove) {
    playAsViewer(session, streamId, stream);
    return;
  }
  // No publish or play can begin meanwhile. The session is closed when the connection has moved.
  session.wait();
  void session.move(stream.channel).then(() => {
    if (session.isClosed) return;
    playAsViewer(session, streamId, stream);
    session.proceed();
  });
}

function playAsViewer(session: CommandSession, streamId: number, stream: StreamTarget): void {
  const { context } = session;
  const refusal = context.refusal();
  if (refusal !== undefined) session.refuse(streamId, 'NetStream.Play.BadName', refusal);
  else if (!context.mayPlay(session.clientIp)) {
    session.refuse(streamId, 'NetStream.Play.BadName', 'This address may not play (RTMP_PLAY_WHITELIST)');
  } else if (context.hub.find(stream.channel)?.admits(stream.key) === false) {
    session.refuse(streamId, 'NetStream.Play.BadName', 'Wrong stream key');
  } else begin(session, streamId, stream, false);
}

function begin(session: CommandSession, streamId: number, stream: StreamTarget, isRelay: boolean): void {
  const { context } = session;
  const channel = context.hub.channel(stream.channel);
  const options = new URLSearchParams(stream.query);
  const cache = options.get('cache');
  const player = new Player({
    outlet: session.transport,
    listener: new PlayListener(session, streamId),
    streamId,
    key: stream.key,
    wantsCache: cache !== 'no',
    isRelay,
    wantsAllTracks: isRelay || wantsAllTracks(options.get('tracks'), session.knowsMultitrack),
  });
  session.startPlay({ phase: 'playing', streamId, stream, channel, player });
  session.log.request('play', { channel: stream.channel, relay: isRelay || undefined });
  session.send(userControl(UserControlEvent.StreamBegin, streamId));
  session.sendStatus(streamId, 'status', 'NetStream.Play.Reset', 'Playing and resetting stream.');
  session.sendStatus(streamId, 'status', 'NetStream.Play.Start', 'Started playing stream.');
  session.send(sampleAccessMessage(streamId, context.chunkSize));
  // One of these messages may have closed the session of a client that reads nothing.
  if (session.isClosed) return;
  channel.addPlayer(player);
  if (cache === 'clear') clearCache(channel.publication, stream.key);
  // No publisher sends the stream here: it may be live on another node, or have moved there a moment ago.
  if (!isRelay && (channel.publication?.publisher ?? null) === null) context.streamWanted(stream.channel);
}

/** `tracks=all` and `tracks=default` decide, for tools; otherwise the client's announcement in `connect`. */
function wantsAllTracks(tracks: string | null, knowsMultitrack: boolean): boolean {
  return tracks === 'all' || (knowsMultitrack && tracks !== 'default');
}

/**
 * Empties the stream's cache for a player with the publisher's key: a viewer must not take the cached start away from
 * others. The key of another node's stream is not known, so its cache stays.
 */
function clearCache(publication: Publication | null, key: string): void {
  if (publication === null || publication.key === '' || !keysEqual(key, publication.key)) return;
  publication.stream.clearCache();
}
