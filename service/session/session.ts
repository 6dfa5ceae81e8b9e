import type { EndReason, PublisherClose } from '../hub/publisher';
import type { Logger } from '../logging/logger';
import { maskKey } from '../logging/mask';
import type { AmfValue } from '../protocol/amf/amf-value';
import { userControl, UserControlEvent } from '../protocol/message/control-messages';
import { ByteIntake, type IntakeSession } from './byte-intake';
import { IncomingMessages, type MessageSession } from './incoming-messages';
import { Outgoing, type SendingSession } from './outgoing';
import { Opening, type MovableSession, type OpeningSession } from './opening';
import type { ConnectedClient } from './rtmp-commands/command-session';
import type { ConnectionState } from './rtmp-commands/connection-state';
import { OpenStreams, type Playing, type Publishing } from './rtmp-commands/open-streams';
import type { StatusCode, StatusLevel } from './rtmp-commands/replies';
import type { SessionContext } from './session-context';
import { SessionTrace } from './session-trace';
import { SessionDeadlines, type TimedSession } from './session-deadlines';
import type { CloseCode, SessionPhase } from './session-state';
import type { Transport } from './transport';

/** Ends that the publisher did not choose: it may come back. */
const LOSSES: ReadonlySet<CloseCode> = new Set([
  'client_closed',
  'connection_error',
  'silent',
  'protocol_error',
  'internal_error',
]);

export interface SessionOptions {
  readonly context: SessionContext;
  readonly transport: Transport;
  /** The session's number in the log. */
  readonly id: number;
}

/**
 * One client's connection, from its first byte to its close reason. `ByteIntake` and `IncomingMessages` read,
 * `Outgoing` writes, `SessionDeadlines` checks the time limits. The session begins and ends its publish, its play and
 * itself.
 */
export class Session
  implements MessageSession, IntakeSession, SendingSession, TimedSession, MovableSession, OpeningSession
{
  readonly context: SessionContext;
  readonly transport: Transport;
  readonly isRelay = false;
  readonly deadlines: SessionDeadlines;
  readonly opening: Opening;
  /** Its publish and play; none unless it is connected. */
  readonly streams = new OpenStreams();
  readonly intake: ByteIntake;
  readonly trace: SessionTrace;
  readonly #messages: IncomingMessages;
  readonly #outgoing = new Outgoing(this);
  #log: Logger;
  #state: ConnectionState = { phase: 'handshaking' };
  /** The client's announcements in `connect`. */
  #client: ConnectedClient | null = null;
  #closed: PublisherClose | undefined;
  #askedToReconnect = false;
  #unpublishAnnounced = false;

  constructor({ context, transport, id }: SessionOptions) {
    this.context = context;
    this.transport = transport;
    this.#log = context.log.child({ session: id, ip: transport.remoteAddress });
    this.trace = new SessionTrace(context.tracer, { id, clientIp: transport.remoteAddress, secure: transport.secure });
    this.deadlines = new SessionDeadlines(this, context.now());
    this.#messages = new IncomingMessages(this);
    this.intake = new ByteIntake(this, this.#messages);
    this.opening = new Opening(this, context.moveToStream !== undefined && !transport.secure);
  }

  get log(): Logger {
    return this.#log;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get isClosed(): boolean {
    return this.#state.phase === 'closed';
  }

  /** How it was closed. */
  get closed(): PublisherClose | undefined {
    return this.#closed;
  }

  /** Its state in one word. */
  get phase(): SessionPhase {
    return this.streams.phase ?? this.#state.phase;
  }

  get clientIp(): string {
    return this.transport.remoteAddress;
  }

  /** The client's name for itself (`flashVer`). */
  get software(): string {
    return this.#client?.software ?? '';
  }

  get knowsMultitrack(): boolean {
    return this.#client?.knowsMultitrack === true;
  }

  /** When an audio or video message of its publish last began, accepted or not (ms). */
  get mediaAt(): number {
    return this.deadlines.mediaAt;
  }

  /** Takes bytes from the connection; `source` may be reused as soon as this returns. */
  receive(source: Buffer, start: number, end: number): void {
    if (this.isClosed) return;
    this.context.traffic.bytesIn += end - start;
    this.deadlines.heard();
    this.opening.heard(source, start, end);
    this.intake.receive(source, start, end);
  }

  shookHands(): void {
    this.#state = { phase: 'connecting' };
    this.trace.shookHands();
  }

  wait(): void {
    // A publisher that leaves while it is being decided on must not keep its place until the answer.
    this.intake.halt(this.streams.publish?.phase === 'authorizing');
  }

  proceed(): void {
    this.intake.proceed();
  }

  /**
   * To be called once a second.
   *
   * @param pausedMs how long before `now` the process did not run (ms)
   */
  tick(now: number, pausedMs: number): void {
    this.deadlines.tick(now, pausedMs);
  }

  send(bytes: Buffer): void {
    this.#outgoing.send(bytes);
  }

  sendUnasked(bytes: Buffer): void {
    this.#outgoing.sendUnasked(bytes);
  }

  sendCommand(streamId: number, values: readonly AmfValue[]): void {
    this.#outgoing.sendCommand(streamId, values);
  }

  sendStatus(streamId: number, level: StatusLevel, code: StatusCode, description: string): void {
    this.#outgoing.sendStatus(streamId, level, code, description);
  }

  ping(time: number): void {
    this.sendUnasked(userControl(UserControlEvent.PingRequest, time));
  }

  connected(client: ConnectedClient): void {
    this.#client = client;
    this.#state = { phase: 'connected', target: client.target };
    this.#outgoing.chunkSize = this.context.chunkSize;
    this.deadlines.connected();
    this.trace.connected(client);
    this.#log = this.#log.child({ channel: client.target.channel });
  }

  startPublish(publishing: Publishing): void {
    this.streams.publish = publishing;
    this.intake.trust();
    this.#messages.trust();
    // An earlier announcement belongs to an earlier publish.
    this.#unpublishAnnounced = false;
    this.transport.proven(false);
    this.deadlines.publishing();
  }

  announceUnpublish(): void {
    this.#unpublishAnnounced = true;
  }

  endPublish(): void {
    const { publishing } = this.streams;
    if (publishing === null) return;
    // Messages behind an unfinished one belong to the stream, and are sent before it ends.
    this.intake.discardMedia();
    this.context.afterRead();
    this.streams.publish = null;
    this.#endPublication(publishing, true);
    if (this.streams.isEmpty) this.deadlines.connected();
  }

  startPlay(playing: Playing): void {
    this.streams.play = playing;
    this.transport.proven(playing.player.isRelay);
  }

  endPlay(): void {
    const { play } = this.streams;
    if (play === null) return;
    this.streams.play = null;
    this.#endPlaying(play);
    if (this.streams.isEmpty) this.deadlines.connected();
  }

  move(channel: string): Promise<void> {
    return this.context.moveToStream?.(this, channel) ?? Promise.resolve();
  }

  moved(): void {
    this.#finish('moved', 'continues at the worker that has the stream');
  }

  /**
   * Asks the client to reconnect, which it does before it closes this connection (Enhanced RTMP v2, "Reconnect
   * Request"). No address is sent: the one that the client knows leads to another node. False when the client does not
   * support the request, or was asked before.
   */
  requestReconnect(): boolean {
    if (this.#client?.canReconnect !== true || this.#askedToReconnect || this.isClosed) return false;
    this.#askedToReconnect = true;
    this.opening.stay();
    this.sendStatus(0, 'status', 'NetConnection.Connect.ReconnectRequest', 'This server is about to shut down');
    return true;
  }

  /** Ends the publication for an operator or a limit, and tells the encoder why. */
  kill(reason: EndReason): void {
    this.#endPublisher('killed', 'NetStream.Publish.BadName', reason);
  }

  /** The status says that a retry with the same key is pointless: another connection has the channel. */
  displaced(reason: EndReason): void {
    this.#endPublisher('displaced', 'NetStream.Publish.Denied', reason);
  }

  refuse(streamId: number, code: StatusCode, description: string): void {
    this.sendStatus(streamId, 'error', code, description);
    this.close('refused', `${code}: ${description}`);
  }

  /** Ends the session because the node shuts down, and tells the client so. */
  shutDown(): void {
    const reason = 'Server is shutting down';
    const { publishing, play } = this.streams;
    const publisher = play?.channel.publication?.publisher ?? null;
    // A stream that another node sends, or may continue, does not end with this node.
    if (publishing === null && play !== null && publisher?.isRelay === false) {
      play.player.listener.streamEnded();
      this.close('shutdown', reason);
    } else {
      this.fail('shutdown', reason);
    }
  }

  /** Ends the session for a fault or a time-out, and tells a connected client why. */
  fail(code: CloseCode, reason: string): void {
    const { publishing, play } = this.streams;
    if (publishing !== null) this.sendStatus(publishing.streamId, 'error', 'NetStream.Publish.BadName', reason);
    if (play !== null) this.sendStatus(play.streamId, 'error', 'NetStream.Play.Failed', reason);
    if (publishing === null && play === null && this.#state.phase === 'connected') {
      this.sendStatus(0, 'error', 'NetConnection.Connect.Closed', reason);
    }
    this.close(code, reason);
  }

  /** Ends the session from this side; bytes written before are still sent. */
  close(code: CloseCode, reason: string): void {
    if (this.isClosed) return;
    this.#finish(code, reason);
    this.transport.end();
  }

  /** The transport has closed. */
  disconnected(error: Error | undefined): void {
    const { code } = (error ?? {}) as NodeJS.ErrnoException;
    // Encoders close without waiting for the last answer; writing that answer then fails with one of these codes.
    const usual = error === undefined || code === 'EPIPE' || code === 'ECONNRESET';
    if (usual) this.#finish('client_closed', 'client closed the connection');
    else this.#finish('connection_error', error.message);
  }

  #endPublisher(code: CloseCode, status: StatusCode, reason: EndReason): void {
    // A publish that is still being decided may have been accepted without the session knowing yet.
    const { publish } = this.streams;
    if (publish === null) return;
    this.sendStatus(publish.streamId, 'error', status, reason);
    this.close(code, reason);
  }

  /** @param graceful false when the publisher was lost, and may come back */
  #endPublication({ stream, publication }: Publishing, graceful: boolean): void {
    this.#log.request('publish ended', { channel: stream.channel, key: maskKey(stream.key) });
    this.context.gate.leave(this, publication, graceful || this.#unpublishAnnounced);
  }

  #endPlaying({ channel, player, stream }: Playing): void {
    channel.removePlayer(player);
    this.#log.request('play ended', { channel: stream.channel });
  }

  #finish(code: CloseCode, reason: string): void {
    if (this.isClosed) return;
    const { publish, play } = this.streams;
    this.#state = { phase: 'closed' };
    this.#closed = { code, reason };
    this.streams.publish = null;
    this.streams.play = null;
    // As in endPublish: messages behind an unfinished one are sent before the stream ends.
    this.intake.close();
    if (play !== null) this.#endPlaying(play);
    if (publish?.phase === 'authorizing') {
      publish.abort.abort();
    } else if (publish?.phase === 'publishing') {
      this.#endPublication(publish, !LOSSES.has(code));
      this.context.afterRead();
    }
    this.context.sessionClosed(code);
    this.trace.closed(code, reason, this.intake.receivedBytes > 0);
    // A connection that sent nothing is a health check or a scanner, not worth a log line.
    if (code === 'client_closed' && this.intake.receivedBytes === 0) this.#log.debug('closed without a byte');
    else if (code === 'protocol_error' || code === 'handshake_failed') this.#log.warning('closed', { code, reason });
    else this.#log.request('closed', { code, reason });
  }
}
