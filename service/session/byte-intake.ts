import type { Logger } from '../logging/logger';
import { ChunkReader, type MessageReceiver, PUBLISHER_LIMITS, type ReaderLimits } from '../protocol/chunk/chunk-reader';
import { ServerHandshake } from '../protocol/handshake/server-handshake';
import { acknowledgement } from '../protocol/message/control-messages';
import { ProtocolError } from '../protocol/protocol-errors';
import { ReceivedBytes } from './received-bytes';
import type { SessionContext } from './session-context';
import type { CloseCode } from './session-state';
import type { Transport } from './transport';

/** Limits of the memory that a peer can make the server use before it was accepted to publish. */
const UNTRUSTED_LIMITS: ReaderLimits = { maxMessageBytes: 65_536, maxPartialBytes: 65_536, maxChunkStreams: 32 };
/** Most bytes that may arrive after reading was paused. */
const MAX_LEFTOVER_BYTES = 1024 * 1024;
/** How much is read and kept while a publish is being decided; then the socket is paused. */
const READ_AHEAD_BYTES = 64 * 1024;

/** The session whose client's bytes are read. */
export interface IntakeSession {
  readonly context: Pick<SessionContext, 'afterRead'>;
  readonly transport: Pick<Transport, 'pause' | 'resume'>;
  readonly log: Logger;
  readonly isClosed: boolean;
  /** The handshake is done. */
  shookHands(): void;
  send(bytes: Buffer): void;
  /** Sends bytes that are not an answer to the client. */
  sendUnasked(bytes: Buffer): void;
  fail(code: CloseCode, reason: string): void;
}

/** Receives messages; after a number of them, other connections are served first. */
export interface TurnTaker extends MessageReceiver {
  /** The next messages belong to a new read. */
  beginTurn(): void;
}

/**
 * Reads the bytes of one client: its handshake, then chunks, which become messages. Acknowledges them if the client
 * asks for that, and keeps those that arrive while a decision is awaited.
 */
export class ByteIntake {
  readonly #session: IntakeSession;
  readonly #receiver: TurnTaker;
  /** Null once the handshake is done. */
  #handshake: ServerHandshake | null = new ServerHandshake();
  readonly #reader: ChunkReader;
  readonly #received = new ReceivedBytes();
  #halted = false;
  /** Bytes that arrived while a decision is awaited and are not read yet. */
  #leftover: Buffer | null = null;

  constructor(session: IntakeSession, receiver: TurnTaker) {
    this.#session = session;
    this.#receiver = receiver;
    this.#reader = new ChunkReader(receiver, UNTRUSTED_LIMITS);
  }

  /** Incoming bytes are not read before `proceed`: a decision is awaited, or other connections are served first. */
  get isHalted(): boolean {
    return this.#halted;
  }

  /** All bytes from the client so far. */
  get receivedBytes(): number {
    return this.#received.total;
  }

  /** Chunks with a payload below 128 bytes so far. */
  get tinyChunks(): number {
    return this.#reader.tinyChunks;
  }

  /** Whether a client that waits for acknowledgements would be slowed down by delayed reads. */
  get windowIsSmall(): boolean {
    return this.#received.windowIsSmall;
  }

  /** Sends the client an acknowledgement for each `bytes` bytes; 0: none. */
  acknowledgeEach(bytes: number): void {
    this.#received.window = bytes;
  }

  /** The client was accepted to publish: it may send large messages from now on. */
  trust(): void {
    this.#reader.limits = PUBLISHER_LIMITS;
  }

  /** Reads `source[start, end)`, which may be reused as soon as this returns. */
  receive(source: Buffer, start: number, end: number): void {
    this.#received.add(end - start);
    if (this.#halted) {
      this.#keepLeftover(source.subarray(start, end));
      return;
    }
    this.#consume(source, start, end);
    if (this.#received.acknowledgementsDue > 0) this.#acknowledge();
  }

  /**
   * Stops reading after the present message, until `proceed`.
   *
   * @param readsAhead true: READ_AHEAD_BYTES are still read from the connection and kept, so that its end is noticed
   */
  halt(readsAhead: boolean): void {
    this.#halted = true;
    this.#reader.halt();
    if (!readsAhead) this.#session.transport.pause();
  }

  /** Resumes reading after `halt`, first the bytes that have arrived meanwhile. */
  proceed(): void {
    const leftover = this.#leftover;
    this.#leftover = null;
    this.#halted = false;
    if (leftover !== null) {
      this.#consume(leftover, 0, leftover.length);
      this.#session.context.afterRead();
      if (!this.#session.isClosed && this.#received.acknowledgementsDue > 0) this.#acknowledge();
    }
    // The leftover may contain another publish, which halts again.
    if (!this.isHalted && !this.#session.isClosed) this.#session.transport.resume();
  }

  /** Lets other connections be served before the rest of this read. */
  endTurn(): void {
    this.halt(false);
    setImmediate(() => {
      if (!this.#session.isClosed) this.proceed();
    });
  }

  /** Discards unfinished audio and video messages, and the rest of their payload when it comes. */
  discardMedia(): void {
    this.#reader.discardMedia();
  }

  /** Drops everything unfinished; nothing may be received afterwards. */
  close(): void {
    this.#leftover = null;
    this.#handshake = null;
    this.#reader.close();
  }

  #consume(source: Buffer, start: number, end: number): void {
    this.#receiver.beginTurn();
    try {
      let at = start;
      if (this.#handshake !== null) at += this.#shakeHands(this.#handshake, source, start, end);
      if (at < end && !this.#session.isClosed) at = this.#reader.read(source, at, end);
      if (at < end && !this.#session.isClosed) this.#keepLeftover(source.subarray(at, end));
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const session = this.#session;
    if (error instanceof ProtocolError && error.code === 'over_budget') {
      session.fail('over_budget', error.message);
    } else if (error instanceof ProtocolError) {
      const code = this.#handshake === null ? 'protocol_error' : 'handshake_failed';
      session.fail(code, `${error.code}: ${error.message}`);
    } else {
      // A bug that one client's bytes trigger must not end the streams of all others.
      session.log.error('unexpected error', { stack: error instanceof Error ? error.stack : String(error) });
      session.fail('internal_error', 'Internal error');
    }
  }

  #shakeHands(handshake: ServerHandshake, source: Buffer, start: number, end: number): number {
    const consumed = handshake.read(source, start, end);
    const reply = handshake.takeReply();
    if (reply !== undefined) this.#session.send(reply);
    if (handshake.done) {
      this.#handshake = null;
      this.#session.shookHands();
    }
    return consumed;
  }

  #keepLeftover(bytes: Buffer): void {
    const before = this.#leftover;
    this.#leftover = before === null ? Buffer.from(bytes) : Buffer.concat([before, bytes]);
    if (this.#leftover.length > MAX_LEFTOVER_BYTES) {
      this.#session.fail('protocol_error', 'too much sent before an answer');
    } else if (this.#leftover.length > READ_AHEAD_BYTES) this.#session.transport.pause();
  }

  #acknowledge(): void {
    const messages: Buffer[] = [];
    while (this.#received.acknowledgementsDue > 0) messages.push(acknowledgement(this.#received.acknowledge()));
    this.#session.sendUnasked(Buffer.concat(messages));
  }
}
