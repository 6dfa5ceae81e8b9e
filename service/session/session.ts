import type { EndReason } from '../hub/publication';
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
import { commandMessage, statusMessage, type StatusCode, type StatusLevel } from './rtmp-commands/replies';
import type { SessionContext } from './session-context';
import { SessionDeadlines, type TimedSession } from './session-deadlines';
import type { CloseCode, SessionPhase } from './session-state';
import type { Transport } from './transport';

/** RTMP 1.0 section 5.4.1: what clients expect until Set Chunk Size says otherwise. */
const INITIAL_CHUNK_SIZE = 128;

/** Ends that no publisher chose: it may come back. */
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
  /** Names the session in the log. */
  readonly id: number;
}

/**
 * One client's connection, from its first byte to its close reason. Others do the parts: `ByteIntake` and
 * `IncomingMessages` read, `Outgoing` writes, `SessionDeadlines` watches the time. What begins and ends is decided here.
 */
export class Session
  implements MessageSession, IntakeSession, SendingSession, TimedSession, MovableSession, OpeningSession
{
  readonly context: SessionContext;
  readonly transport: Transport;
  readonly isRelay = false;
  readonly deadlines: SessionDeadlines;
  readonly opening: Opening;
  /** What it publishes and plays; empty unless it is connected. */
  readonly streams = new OpenStreams();
  readonly intake: ByteIntake;
  readonly #messages: IncomingMessages;
  readonly #outgoing = new Outgoing(this);
  #log: Logger;
  #state: ConnectionState = { phase: 'handshaking' };
  /** What the client said in `connect`. */
  #client: ConnectedClient | null = null;
  #askedToReconnect = false;
  /** Of what this session sends. */
  #chunkSize = INITIAL_CHUNK_SIZE;
  #unpublishAnnounced = false;

  constructor({ context, transport, id }: SessionOptions) {
    this.context = context;
    this.transport = transport;
    this.#log = context.log.child({ session: id, ip: transport.remoteAddress });
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

  /** Where it stands, in one word. */
  get phase(): SessionPhase {
    return this.streams.phase ?? this.#state.phase;
  }

  get clientIp(): string {
    return this.transport.remoteAddress;
  }

  /** What the client calls itself (`flashVer`). */
  get software(): string {
    return this.#client?.software ?? '';
  }

  get knowsMultitrack(): boolean {
    return this.#client?.knowsMultitrack === true;
  }

  /** Everything that came from the client (bytes). */
  get receivedBytes(): number {
    return this.intake.receivedBytes;
  }

  get tinyChunks(): number {
    return this.intake.tinyChunks;
  }

  /** When audio or video that it publishes last began to come in, let through or not (ms). */
  get mediaAt(): number {
    return this.deadlines.mediaAt;
  }

  /** What comes in is not looked at before `proceed`: a decision is awaited, or others have their turn. */
  get isWaiting(): boolean {
    return this.intake.isHalted;
  }

  /** The client may be waiting for acknowledgements, which come with reading: it is to be read without delay. */
  get awaitsAcknowledgements(): boolean {
    return this.intake.windowIsSmall;
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
  }

  wait(): void {
    // A publisher that leaves while it is decided on must not keep its place until the answer.
    this.intake.halt(this.streams.publish?.phase === 'authorizing');
  }

  proceed(): void {
    this.intake.proceed();
  }

  /** To be called once a second. */
  tick(now: number): void {
    this.deadlines.tick(now);
  }

  send(bytes: Buffer): void {
    this.#outgoing.send(bytes);
  }

  sendUnasked(bytes: Buffer): void {
    this.#outgoing.sendUnasked(bytes);
  }

  sendCommand(streamId: number, values: readonly AmfValue[]): void {
    this.send(commandMessage(streamId, values, this.#chunkSize));
  }

  sendStatus(streamId: number, level: StatusLevel, code: StatusCode, description: string): void {
    this.send(statusMessage(streamId, level, code, description, this.#chunkSize));
  }

  ping(time: number): void {
    this.sendUnasked(userControl(UserControlEvent.PingRequest, time));
  }

  connected(client: ConnectedClient): void {
    this.#client = client;
    this.#state = { phase: 'connected', target: client.target };
    this.#chunkSize = this.context.chunkSize;
    this.deadlines.connected();
    this.#log = this.#log.child({ channel: client.target.channel });
  }

  startPublish(publishing: Publishing): void {
    this.streams.publish = publishing;
    this.intake.trust();
    this.#messages.trust();
    // What was announced before meant an earlier publish.
    this.#unpublishAnnounced = false;
    this.transport.proven();
    this.deadlines.publishing();
  }

  announceUnpublish(): void {
    this.#unpublishAnnounced = true;
  }

  endPublish(): void {
    const { publishing } = this.streams;
    if (publishing === null) return;
    // What waits behind an unfinished message belongs to the stream, and goes out before it ends.
    this.intake.discardMedia();
    this.context.afterRead();
    this.streams.publish = null;
    this.#endPublication(publishing, true);
    if (this.streams.isEmpty) this.deadlines.connected();
  }

  startPlay(playing: Playing): void {
    this.streams.play = playing;
    this.transport.proven();
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
    this.#finish('moved', 'goes on at the worker that has the stream');
  }

  /**
   * Asks the client to reconnect, which it does before it closes this connection (Enhanced RTMP v2, "Reconnect
   * Request"). The address that it has leads to another node, so none is named. False when the client does not
   * understand the request, or was asked before.
   */
  requestReconnect(): boolean {
    if (this.#client?.canReconnect !== true || this.#askedToReconnect || this.isClosed) return false;
    this.#askedToReconnect = true;
    this.opening.stay();
    this.sendStatus(0, 'status', 'NetConnection.Connect.ReconnectRequest', 'This server is about to shut down');
    return true;
  }

  /** Ends the publication for an operator or a limit, telling the encoder so. */
  kill(reason: EndReason): void {
    this.#endPublisher('killed', 'NetStream.Publish.BadName', reason);
  }

  /** To try again with the same key is pointless: the channel is another connection's. */
  displaced(reason: EndReason): void {
    this.#endPublisher('displaced', 'NetStream.Publish.Denied', reason);
  }

  refuse(streamId: number, code: StatusCode, description: string): void {
    this.sendStatus(streamId, 'error', code, description);
    this.close('refused', `${code}: ${description}`);
  }

  /** Ends the session because the node ends, telling the client so. */
  shutDown(): void {
    const reason = 'Server is shutting down';
    const { publishing, play } = this.streams;
    if (publishing === null && play !== null && play.channel.publication !== null) {
      play.player.listener.streamEnded();
      this.close('shutdown', reason);
    } else {
      this.fail('shutdown', reason);
    }
  }

  /** Ends the session for a fault or a time-out, telling a client that has connected why. */
  fail(code: CloseCode, reason: string): void {
    const { publishing, play } = this.streams;
    if (publishing !== null) this.sendStatus(publishing.streamId, 'error', 'NetStream.Publish.BadName', reason);
    if (play !== null) this.sendStatus(play.streamId, 'error', 'NetStream.Play.Failed', reason);
    if (publishing === null && play === null && this.#state.phase === 'connected') {
      this.sendStatus(0, 'error', 'NetConnection.Connect.Closed', reason);
    }
    this.close(code, reason);
  }

  /** Ends the session from this side; what was written before is still sent. */
  close(code: CloseCode, reason: string): void {
    if (this.isClosed) return;
    this.#finish(code, reason);
    this.transport.end();
  }

  /** The transport has closed. */
  disconnected(error: Error | undefined): void {
    const { code } = (error ?? {}) as NodeJS.ErrnoException;
    // Encoders close without waiting for the last answer; writing it then fails with one of these.
    const usual = error === undefined || code === 'EPIPE' || code === 'ECONNRESET';
    if (usual) this.#finish('client_closed', 'client closed the connection');
    else this.#finish('connection_error', error.message);
  }

  #endPublisher(code: CloseCode, status: StatusCode, reason: EndReason): void {
    // One that is being decided on may have been let in without having been told so yet.
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
    this.streams.publish = null;
    this.streams.play = null;
    // As when a publish ends: what waits behind an unfinished message goes out before the stream ends.
    this.intake.close();
    if (play !== null) this.#endPlaying(play);
    if (publish?.phase === 'authorizing') {
      publish.abort.abort();
    } else if (publish?.phase === 'publishing') {
      this.#endPublication(publish, !LOSSES.has(code));
      this.context.afterRead();
    }
    this.context.sessionClosed(code);
    // A connection that never said anything is a health check or a scanner, not worth a line.
    if (code === 'client_closed' && this.receivedBytes === 0) this.#log.debug('closed without a byte');
    else if (code === 'protocol_error' || code === 'handshake_failed') this.#log.warning('closed', { code, reason });
    else this.#log.request('closed', { code, reason });
  }
}
