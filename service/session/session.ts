import type { EndReason, Publisher } from '../hub/publication';
import type { PlayerListener } from '../hub/player';
import { MAX_BLOCKED_BYTES } from '../hub/live-stream';
import type { Logger } from '../logging/logger';
import { maskKey } from '../logging/mask';
import type { AmfValue } from '../protocol/amf/amf-value';
import { ChunkReader, type MessageReceiver, type ReaderLimits } from '../protocol/chunk/chunk-reader';
import { discardingSink, type PayloadSink } from '../protocol/chunk/payload-sink';
import { ServerHandshake } from '../protocol/handshake/server-handshake';
import { splitAggregate } from '../protocol/message/aggregate';
import { decodeCommand } from '../protocol/message/command-message';
import { acknowledgement, userControl, UserControlEvent } from '../protocol/message/control-messages';
import { readDataMessage } from '../protocol/message/data-message';
import { MessageType, type MessageHeader } from '../protocol/message-types';
import { ProtocolError } from '../protocol/protocol-errors';
import { rejectConnect } from './rtmp-commands/connect';
import { dispatchCommand } from './rtmp-commands/dispatch';
import { OpenStreams, type Playing, type Publishing } from './open-streams';
import { Opening, type Departure } from './opening';
import { ReceivedBytes } from './received-bytes';
import { commandMessage, statusMessage, type StatusCode, type StatusLevel } from './replies';
import type { SessionContext } from './session-context';
import { SessionBudget } from './session-budget';
import { SessionDeadlines } from './session-deadlines';
import type { CloseCode, ConnectionState, SessionPhase } from './session-state';
import type { Transport } from './transport';

/** Before a peer has shown that it may publish it can make the server hold no more than this. */
const UNTRUSTED_LIMITS: ReaderLimits = { maxMessageBytes: 65_536, maxPartialBytes: 65_536, maxChunkStreams: 32 };
const PUBLISHER_LIMITS: ReaderLimits = {
  maxMessageBytes: 0xffffff,
  maxPartialBytes: 32 * 1024 * 1024,
  maxChunkStreams: 64,
};
/** Commands, data and control messages of a publisher are collected whole; no honest one comes near this. */
const MAX_COLLECTED_BYTES = 1024 * 1024;
/** What may arrive after reading was paused. */
const MAX_LEFTOVER_BYTES = 1024 * 1024;
/** How much is read while a publish is decided on. */
const READ_AHEAD_BYTES = 64 * 1024;
/** Answers and pings that the client leaves unread. */
const MAX_UNSENT_BYTES = 64 * 1024;
/** What a write that waits for the client costs beside its bytes. */
const UNSENT_WRITE_BYTES = 1024;
/** Messages of a publisher that are looked at in one go: other connections have their turn after so many. */
const MESSAGES_PER_TURN = 2_000;
/** The same for a player, beside a whole GOP cache: the stream itself leaves no more than 64 MB of new media unsent. */
const MAX_UNSENT_BYTES_PLAYING = 96 * 1024 * 1024;
/** RTMP 1.0 section 5.4.1: what clients expect until Set Chunk Size says otherwise. */
const INITIAL_CHUNK_SIZE = 128;

/** One client's connection, from its first byte to its close reason. */
export class Session implements MessageReceiver, Publisher, PlayerListener {
  readonly context: SessionContext;
  readonly transport: Transport;
  readonly isRelay = false;
  readonly deadlines: SessionDeadlines;
  log: Logger;
  state: ConnectionState = { phase: 'handshaking' };
  /** What it publishes and plays; empty unless it is connected. */
  readonly streams = new OpenStreams();
  /** What the client calls itself (`flashVer`). */
  software = '';
  /** The client said that it understands a reconnect request. */
  canReconnect = false;
  /** The client said that it understands streams of several tracks. */
  knowsMultitrack = false;
  #askedToReconnect = false;
  /** Of what this session sends: the client has to be told before it changes. */
  chunkSize = INITIAL_CHUNK_SIZE;

  #handshake: ServerHandshake | null = new ServerHandshake();
  readonly #reader: ChunkReader;
  readonly #received = new ReceivedBytes();
  #unpublishAnnounced = false;
  /** Null once the connection stays here, whatever it asks for. */
  #opening: Opening | null;
  #waiting = false;
  readonly #budget: SessionBudget;
  /** Media messages since others had their turn. */
  #messagesInTurn = 0;
  /** Writes since the client had read everything. */
  #unsentWrites = 0;
  /** Read but not looked at yet, while a decision is awaited. */
  #leftover: Buffer | null = null;

  constructor(context: SessionContext, transport: Transport, id: number) {
    this.context = context;
    this.transport = transport;
    this.log = context.log.child({ session: id, ip: transport.remoteAddress });
    const now = context.now();
    this.deadlines = new SessionDeadlines(this, now);
    this.#budget = new SessionBudget(now);
    this.#reader = new ChunkReader(this, UNTRUSTED_LIMITS);
    this.#opening = context.moveToStream === undefined || transport.secure ? null : new Opening();
  }

  get clientIp(): string {
    return this.transport.remoteAddress;
  }

  get isClosed(): boolean {
    return this.state.phase === 'closed';
  }

  /** Everything that came from the client (bytes). */
  get receivedBytes(): number {
    return this.#received.total;
  }

  /** When audio or video that it publishes last began to come in, let through or not (ms). */
  get mediaAt(): number {
    return this.deadlines.mediaAt;
  }

  /** Where it stands, in one word. */
  get phase(): SessionPhase {
    return this.streams.phase ?? this.state.phase;
  }

  /** A decision is awaited: what comes in is not looked at before `proceed`. */
  get isWaiting(): boolean {
    return this.#waiting;
  }

  /** The client may be waiting for acknowledgements, which come with reading: it is to be read without delay. */
  get awaitsAcknowledgements(): boolean {
    return this.#received.windowIsSmall;
  }

  /** Takes bytes from the connection; `source` may be reused as soon as this returns. */
  receive(source: Buffer, start: number, end: number): void {
    if (this.isClosed) return;
    this.context.traffic.bytesIn += end - start;
    this.#received.add(end - start);
    this.deadlines.heard();
    if (this.#opening !== null) this.#record(this.#opening, source, start, end);
    if (this.#waiting) {
      this.#keepLeftover(source.subarray(start, end));
      return;
    }
    this.#consume(source, start, end);
    if (this.#received.acknowledgementsDue > 0) this.#acknowledge();
  }

  /** Goes on reading after a decision; what had arrived before comes first. */
  proceed(): void {
    const leftover = this.#leftover;
    this.#leftover = null;
    this.#waiting = false;
    if (leftover !== null) {
      this.#consume(leftover, 0, leftover.length);
      this.context.afterRead();
      if (!this.isClosed && this.#received.acknowledgementsDue > 0) this.#acknowledge();
    }
    // What was left over may hold another publish, to be waited for in its turn.
    if (!this.isWaiting && !this.isClosed) this.transport.resume();
  }

  /**
   * Looks at nothing after the message in hand, until `proceed`. While a publish is decided on, a little is still read:
   * a publisher that leaves must not keep its place until the answer.
   */
  wait(): void {
    this.#waiting = true;
    this.#reader.halt();
    if (this.streams.publish?.phase !== 'authorizing') this.transport.pause();
  }

  /** The transport has closed. */
  disconnected(error: Error | undefined): void {
    const { code } = (error ?? {}) as NodeJS.ErrnoException;
    // Encoders close without waiting for the last answer; writing it then fails with one of these.
    const usual = error === undefined || code === 'EPIPE' || code === 'ECONNRESET';
    if (usual) this.#finish('client_closed', 'client closed the connection');
    else this.#finish('connection_error', error.message);
  }

  tick(now: number): void {
    this.deadlines.tick(now);
    if (this.isClosed) return;
    if (!this.deadlines.allowsTinyChunks(this.#reader.tinyChunks)) {
      this.fail('protocol_error', 'chunk_flood: too many chunks below 128 bytes');
    }
    if ((this.streams.publishing?.publication.stream.blockedBytes ?? 0) > MAX_BLOCKED_BYTES) {
      this.fail('protocol_error', 'a message was left unfinished while others went on');
    }
  }

  send(bytes: Buffer): void {
    this.transport.write(bytes);
    this.#opening?.answered(bytes.length);
    const { unsentBytes } = this.transport;
    this.#unsentWrites = unsentBytes === 0 ? 0 : this.#unsentWrites + 1;
    if (unsentBytes + this.#unsentWrites * UNSENT_WRITE_BYTES > this.#maxUnsentBytes) {
      this.close('too_slow', `${unsentBytes} bytes unread by the client`);
    }
  }

  /** Pays for a command that costs more than its message; false, and the session closed, when it cannot. */
  affords(command: string): boolean {
    if (this.#budget.payForCommand(command, this.deadlines.heardAt)) return true;
    this.#overspent();
    return false;
  }

  sendCommand(streamId: number, values: readonly AmfValue[]): void {
    this.send(commandMessage(streamId, values, this.chunkSize));
  }

  sendStatus(streamId: number, level: StatusLevel, code: StatusCode, description: string): void {
    this.send(statusMessage(streamId, level, code, description, this.chunkSize));
  }

  /** The client said that it is about to end its publish: its leaving is no loss. */
  announceUnpublish(): void {
    this.#unpublishAnnounced = true;
  }

  /** Tells the client why, closes the connection once that is sent, and logs it. */
  refuse(streamId: number, code: StatusCode, description: string): void {
    this.sendStatus(streamId, 'error', code, description);
    this.close('refused', `${code}: ${description}`);
  }

  /** Ends the session from this side; what was written before is still sent. */
  close(code: CloseCode, reason: string): void {
    if (this.isClosed) return;
    this.#finish(code, reason);
    this.transport.end();
  }

  /** Whether another process could go on with this connection. */
  get canMove(): boolean {
    return this.#opening !== null && this.phase === 'connected' && this.transport.unsentBytes === 0;
  }

  /** The connection is not to be moved, for it was, or it has been sent what was no answer. */
  stay(): void {
    this.#opening = null;
  }

  /** Ends the session, but not the connection: another process goes on with it. Only if `canMove`. */
  depart(): Departure {
    const departure = this.#opening!.departure(this.clientIp);
    this.#finish('moved', 'goes on at the worker that has the stream');
    return departure;
  }

  /** Asks the client for a sign of life; `time` comes back with it (ms). */
  ping(time: number): void {
    this.stay();
    this.send(userControl(UserControlEvent.PingRequest, time));
  }

  /** Ends the session for a fault or a time-out, telling a client that has connected why. */
  fail(code: CloseCode, reason: string): void {
    const { publishing, play } = this.streams;
    if (publishing !== null) this.sendStatus(publishing.streamId, 'error', 'NetStream.Publish.BadName', reason);
    if (play !== null) this.sendStatus(play.streamId, 'error', 'NetStream.Play.Failed', reason);
    if (publishing === null && play === null && this.state.phase === 'connected') {
      this.sendStatus(0, 'error', 'NetConnection.Connect.Closed', reason);
    }
    this.close(code, reason);
  }

  /** Ends the publication for an operator or a limit, telling the encoder so. */
  kill(reason: EndReason): void {
    this.#endPublisher('killed', 'NetStream.Publish.BadName', reason);
  }

  /** To try again with the same key is pointless: the channel is another connection's. */
  displaced(reason: EndReason): void {
    this.#endPublisher('displaced', 'NetStream.Publish.Denied', reason);
  }

  /**
   * Asks the client to connect anew, which it does before it leaves here (Enhanced RTMP v2, "Reconnect Request"). The
   * same address leads it to another node, so none is named. False when the client does not understand that, or was
   * asked before.
   */
  requestReconnect(): boolean {
    if (!this.canReconnect || this.#askedToReconnect || this.isClosed) return false;
    this.#askedToReconnect = true;
    this.stay();
    this.sendStatus(0, 'status', 'NetConnection.Connect.ReconnectRequest', 'This server is about to shut down');
    return true;
  }

  /** Ends the session because the node ends, telling the client so. */
  shutDown(): void {
    const reason = 'Server is shutting down';
    const { publishing, play } = this.streams;
    if (publishing === null && play !== null && play.channel.publication !== null) {
      this.streamEnded();
      this.close('shutdown', reason);
    } else {
      this.fail('shutdown', reason);
    }
  }

  /** The publisher was accepted: it may send large messages from now on. */
  trust(): void {
    this.#reader.limits = PUBLISHER_LIMITS;
    this.#budget.widen();
    // What was announced before meant an earlier publish.
    this.#unpublishAnnounced = false;
  }

  /** Ends what the session publishes, as the client asked; it stays connected. */
  endPublish(): void {
    const { publishing } = this.streams;
    if (publishing === null) return;
    // What waits behind an unfinished message belongs to the stream, and goes out before it ends.
    this.#reader.discardMedia();
    this.context.afterRead();
    this.streams.publish = null;
    this.#endPublication(publishing, true);
    if (this.streams.isEmpty) this.deadlines.connected();
  }

  /** Ends what the session plays; it stays connected. */
  endPlay(): void {
    const { play } = this.streams;
    if (play === null) return;
    this.streams.play = null;
    this.#endPlaying(play);
    if (this.streams.isEmpty) this.deadlines.connected();
  }

  openMessage(header: MessageHeader): PayloadSink | null {
    const { typeId } = header;
    if (typeId === MessageType.Audio || typeId === MessageType.Video) {
      const { publishing } = this.streams;
      if (publishing === null || header.length === 0 || this.streams.wasRefused(header.streamId)) {
        this.#payFor(header);
        return discardingSink;
      }
      this.deadlines.gotMedia();
      this.#takeTurn();
      return publishing.inlet.openMedia(typeId, header.timestamp, header.length);
    }
    this.#payFor(header);
    this.#takeTurn();
    if (header.length > MAX_COLLECTED_BYTES) {
      throw new ProtocolError('message_too_large', `message of type ${typeId} has ${header.length} bytes`);
    }
    return null;
  }

  message(header: MessageHeader, payload: Buffer): void {
    // Some encoders send empty messages of any type.
    if (this.isClosed || payload.length === 0) return;
    switch (header.typeId) {
      case MessageType.CommandAmf0:
      case MessageType.CommandAmf3:
        this.#command(header, payload);
        break;
      case MessageType.DataAmf0:
      case MessageType.DataAmf3:
        this.#data(header, payload);
        break;
      case MessageType.Aggregate:
        this.#aggregate(header, payload);
        break;
      case MessageType.UserControl:
        this.#userControl(payload);
        break;
      case MessageType.WindowAckSize:
        if (payload.length >= 4) this.#received.window = payload.readUInt32BE(0);
        break;
      default:
        // Acknowledgements, peer bandwidth, shared objects and unknown types ask nothing of this server.
        break;
    }
  }

  streamBegan(): void {
    const { play } = this.streams;
    if (play !== null) this.send(userControl(UserControlEvent.StreamBegin, play.streamId));
  }

  streamEnded(): void {
    const { play } = this.streams;
    if (play === null) return;
    const { streamId } = play;
    this.sendStatus(streamId, 'status', 'NetStream.Play.UnpublishNotify', 'stream is now unpublished.');
    this.send(userControl(UserControlEvent.StreamEof, streamId));
  }

  keyRefused(): void {
    const { play } = this.streams;
    if (play !== null) this.refuse(play.streamId, 'NetStream.Play.BadName', 'Wrong stream key');
  }

  tooSlow(reason: string): void {
    this.context.traffic.slowPlayersDisconnected += 1;
    this.close('too_slow', reason);
  }

  get #maxUnsentBytes(): number {
    if (this.streams.play === null) return MAX_UNSENT_BYTES;
    return this.context.gopCacheBytes + MAX_UNSENT_BYTES_PLAYING;
  }

  #payFor({ typeId, length }: MessageHeader): void {
    // An aggregate of a publisher is media, and its parts take turns.
    if (typeId === MessageType.Aggregate && this.streams.publishing !== null) return;
    if (!this.#budget.payForMessage(typeId, length, this.deadlines.heardAt)) {
      throw new ProtocolError('over_budget', 'more messages than one connection may send');
    }
  }

  #overspent(): void {
    this.fail('over_budget', 'More was asked than one connection may ask');
  }

  #takeTurn(): void {
    this.#messagesInTurn += 1;
    if (this.#messagesInTurn === MESSAGES_PER_TURN) this.#yield();
  }

  /** Lets other connections have their turn before what is left of this read is looked at. */
  #yield(): void {
    this.wait();
    setImmediate(() => {
      if (!this.isClosed) this.proceed();
    });
  }

  #consume(source: Buffer, start: number, end: number): void {
    this.#messagesInTurn = 0;
    try {
      let at = start;
      if (this.#handshake !== null) at += this.#shakeHands(this.#handshake, source, start, end);
      if (at < end && !this.isClosed) at = this.#reader.read(source, at, end);
      if (at < end && !this.isClosed) this.#keepLeftover(source.subarray(at, end));
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'over_budget') {
        this.#overspent();
      } else if (error instanceof ProtocolError) {
        const code = this.#handshake === null ? 'protocol_error' : 'handshake_failed';
        this.fail(code, `${error.code}: ${error.message}`);
      } else {
        // A defect that one client's bytes bring to light must not end the streams of all others.
        this.log.error('unexpected error', { stack: error instanceof Error ? error.stack : String(error) });
        this.fail('internal_error', 'Internal error');
      }
    }
  }

  #shakeHands(handshake: ServerHandshake, source: Buffer, start: number, end: number): number {
    const consumed = handshake.read(source, start, end);
    const reply = handshake.takeReply();
    if (reply !== undefined) this.send(reply);
    if (handshake.done) {
      this.#handshake = null;
      this.state = { phase: 'connecting' };
    }
    return consumed;
  }

  #record(opening: Opening, source: Buffer, start: number, end: number): void {
    if (!this.streams.isEmpty || !opening.heard(source, start, end)) this.stay();
  }

  #keepLeftover(bytes: Buffer): void {
    const before = this.#leftover;
    this.#leftover = before === null ? Buffer.from(bytes) : Buffer.concat([before, bytes]);
    if (this.#leftover.length > MAX_LEFTOVER_BYTES) this.fail('protocol_error', 'too much sent before an answer');
    else if (this.#leftover.length > READ_AHEAD_BYTES) this.transport.pause();
  }

  #acknowledge(): void {
    this.stay();
    const messages: Buffer[] = [];
    while (this.#received.acknowledgementsDue > 0) messages.push(acknowledgement(this.#received.acknowledge()));
    this.send(Buffer.concat(messages));
  }

  #command({ typeId, streamId }: MessageHeader, payload: Buffer): void {
    const command = decodeCommand(typeId, payload);
    if (command !== undefined) dispatchCommand(this, streamId, command);
    else if (this.state.phase === 'connecting') rejectConnect(this, 0, 'The first command cannot be read');
    else this.context.traffic.ignoredCommands += 1;
  }

  #data(header: MessageHeader, payload: Buffer): void {
    const { publishing } = this.streams;
    if (publishing === null) return;
    const data = readDataMessage(header.typeId, payload);
    if (data === undefined) this.context.traffic.ignoredData += 1;
    else publishing.inlet.appendData(header.timestamp, data);
  }

  #aggregate(header: MessageHeader, payload: Buffer): void {
    splitAggregate(header.timestamp, payload, (typeId, timestamp, part) => {
      const { publishing } = this.streams;
      if (publishing === null || part.length === 0) return;
      if (typeId === MessageType.Audio || typeId === MessageType.Video) {
        this.deadlines.gotMedia();
        this.#messagesInTurn += 1;
        publishing.inlet.appendMedia(typeId, timestamp, part);
      } else if (typeId === MessageType.DataAmf0 || typeId === MessageType.DataAmf3) {
        this.#data({ typeId, timestamp, length: part.length, streamId: header.streamId }, part);
      }
    });
    if (this.#messagesInTurn >= MESSAGES_PER_TURN && !this.isClosed && !this.#waiting) this.#yield();
  }

  #userControl(payload: Buffer): void {
    if (payload.length < 6) return;
    if (payload.readUInt16BE(0) === UserControlEvent.PingRequest) {
      this.send(userControl(UserControlEvent.PingResponse, payload.readUInt32BE(2)));
    }
  }

  #finish(code: CloseCode, reason: string): void {
    if (this.isClosed) return;
    const { publish, play } = this.streams;
    this.state = { phase: 'closed' };
    this.streams.publish = null;
    this.streams.play = null;
    this.#leftover = null;
    this.#handshake = null;
    // What waits behind an unfinished message belongs to the stream, and goes out before it ends.
    this.#reader.close();
    if (play !== null) this.#endPlaying(play);
    if (publish?.phase === 'authorizing') {
      publish.abort.abort();
    } else if (publish?.phase === 'publishing') {
      this.#endPublication(publish, code !== 'client_closed' && code !== 'connection_error' && code !== 'silent');
      this.context.afterRead();
    }
    this.context.sessionClosed(code);
    // A connection that never said anything is a health check or a scanner, not worth a line.
    if (code === 'client_closed' && this.#received.total === 0) this.log.debug('closed without a byte');
    else if (code === 'protocol_error' || code === 'handshake_failed') this.log.warning('closed', { code, reason });
    else this.log.request('closed', { code, reason });
  }

  /** @param graceful false when the publisher was lost, and may come back */
  #endPublication({ stream, publication }: Publishing, graceful: boolean): void {
    this.log.request('publish ended', { channel: stream.channel, key: maskKey(stream.key) });
    this.context.gate.leave(this, publication, graceful || this.#unpublishAnnounced);
  }

  #endPlaying({ channel, player, stream }: Playing): void {
    channel.removePlayer(player);
    this.log.request('play ended', { channel: stream.channel });
  }

  #endPublisher(code: CloseCode, status: StatusCode, reason: EndReason): void {
    // One that is being decided on may have been let in without having been told so yet.
    const { publish } = this.streams;
    if (publish === null) return;
    this.sendStatus(publish.streamId, 'error', status, reason);
    this.close(code, reason);
  }
}
