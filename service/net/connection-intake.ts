import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Departure } from '../session/opening';
import { Session } from '../session/session';
import type { SessionContext } from '../session/session-context';
import type { OpenSessions } from '../session/open-sessions';
import type { ConnectionHandle } from '../session/transport';
import { outlivesErrors } from './sockets/accepted-socket';
import type { Batching } from './batching/batching';
import type { ConnectionGate, Visit } from './gate/connection-gate';
import type { IoPath } from './sockets/io-path';
import { adoptWithOnRead, beforeLoss, decrypt, decryptInto, readNow, socketOn } from './sockets/socket-handle';
import { ENCRYPTED_BUFFER, READ_BUFFER } from './sockets/read-buffer';
import { SocketTransport } from './sockets/socket-transport';
import { limitKeyUpdates } from './tls/key-updates';

export interface IntakeOptions {
  readonly context: SessionContext;
  /** For connections that only another node's relay may have; needed where the gate lets such in. */
  readonly relayContext?: SessionContext;
  readonly sessions: Pick<OpenSessions, 'nextId' | 'add' | 'delete'>;
  readonly batching: Batching;
  readonly ioPath: IoPath;
}

/** Most consecutive full reads of a publisher before other connections are served. */
const FULL_READS_PER_TURN = 4;
/**
 * After this many 'data' events of one connection, others are served. TLS has one for each record: 16 KB at most, but it
 * may be a byte. Those that are in the read already come nevertheless, 64 KB with their headers.
 */
const EVENTS_PER_TURN = 32;

/** The traffic of a connection in the process that it comes from. */
interface Begun {
  /** The bytes that the client sent there. */
  readonly said: Buffer;
  /** How many bytes it was answered. */
  readonly answeredBytes: number;
}

/** Turns connections that the gate has admitted into sessions. */
export class ConnectionIntake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /**
   * Begins a session on a plain, paused connection. `first` holds bytes that were read while looking for a PROXY
   * header; more may be in the socket.
   */
  open(accepted: Socket, visit: Visit, address: string, first?: Buffer): void {
    this.#openPlain(accepted, visit, address, first);
  }

  /** Continues a connection that another process of this machine has begun, if the gate admits it. */
  takeOver(gate: ConnectionGate, handle: ConnectionHandle, { clientIp, said, answeredBytes }: Departure): void {
    const socket = outlivesErrors(socketOn(handle));
    const visit = gate.enter(socket);
    visit?.charge(clientIp, { moved: true });
    visit?.whenAdmitted(() => this.#openPlain(socket, visit, clientIp, undefined, { said, answeredBytes }));
  }

  /** Begins a session on a TLS connection. */
  openSecure(socket: TLSSocket, visit: Visit, address: string): void {
    outlivesErrors(socket);
    // A client has no honest reason to renegotiate, and each time costs as much as a handshake.
    socket.disableRenegotiation();
    socket.on('error', () => socket.destroy());
    const session = this.#begin(socket, visit, address, true);
    limitKeyUpdates(
      socket,
      () => session.intake.receivedBytes,
      () => session.close('over_budget', 'too many TLS key updates'),
    );
    if (this.#options.ioPath === 'public') this.#readEvents(socket, session);
    else this.#readRecords(socket, session);
  }

  #openPlain(accepted: Socket, visit: Visit, address: string, first?: Buffer, begun?: Begun): void {
    let session: Session | undefined;
    let socket = accepted;
    if (this.#options.ioPath === 'public') {
      session = this.#begin(accepted, visit, address, false, begun?.answeredBytes);
      this.#readEvents(accepted, session);
    } else {
      const adopted = this.#adopt(accepted, () => session!);
      if (adopted === undefined) {
        visit.close();
        return;
      }
      socket = adopted;
      session = this.#begin(adopted, visit, address, false, begun?.answeredBytes);
      // Bytes that came while the gate was asked for a place have been read already.
      const waiting = accepted.read() as Buffer | null;
      if (waiting !== null) first = first === undefined ? waiting : Buffer.concat([first, waiting]);
    }
    for (const bytes of [begun?.said, first]) if (bytes !== undefined) session.receive(bytes, 0, bytes.length);
    // While a publish is being decided, a little is still read: otherwise the client could leave unnoticed.
    if (!session.intake.isHalted || session.phase === 'authorizing') socket.resume();
  }

  /** Makes a connection read into the shared buffer; undefined when it has ended. */
  #adopt(accepted: Socket, session: () => Session): Socket | undefined {
    const { batching, context } = this.#options;
    let fullReads = 0;
    const receive = (bytes: number): boolean => {
      context.traffic.reads += 1;
      session().receive(READ_BUFFER, 0, bytes);
      batching.afterRead();
      if (bytes === READ_BUFFER.length) {
        // More bytes wait. A publisher is read again at once, since waiting for the batching would cap its bitrate, but
        // not for long before other connections are served; other clients that send so much wait at once.
        fullReads += 1;
        if (session().streams.publishing !== null && fullReads < FULL_READS_PER_TURN) return true;
        fullReads = 0;
        setImmediate(() => {
          if (!session().intake.isHalted) reader.readAgain();
        });
        return false;
      }
      fullReads = 0;
      if (!this.#isPaced(session())) return true;
      batching.hold(reader);
      return false;
    };
    const reader = {
      readAgain: () => {
        const bytes = socket === undefined ? 0 : readNow(socket, READ_BUFFER);
        if (bytes === 0 || receive(bytes)) socket?.resume();
      },
    };
    const socket = adoptWithOnRead(accepted, READ_BUFFER, receive);
    if (socket !== undefined) beforeLoss(socket, () => this.#readRest(socket, session()));
    return socket;
  }

  /** Reads the bytes that a publisher had sent before its connection broke. */
  #readRest(socket: Socket, session: Session): void {
    if (session.streams.publishing === null) return;
    let bytes = readNow(socket, READ_BUFFER);
    for (; bytes > 0; bytes = readNow(socket, READ_BUFFER)) session.receive(READ_BUFFER, 0, bytes);
    this.#options.batching.afterRead();
  }

  #begin(socket: Socket, visit: Visit, address: string, secure: boolean, alreadySent?: number): Session {
    const { sessions } = this.#options;
    const context = (visit.isForRelays ? this.#options.relayContext : undefined) ?? this.#options.context;
    if (!secure) visit.movesTo(socket);
    const transport = new SocketTransport(socket, visit, { remoteAddress: address, secure, alreadySent });
    const session = new Session({ context, transport, id: sessions.nextId() });
    if (alreadySent !== undefined) session.opening.stay();
    sessions.add(session);
    let failure: Error | undefined;
    socket.on('error', (error) => (failure = error));
    socket.on('close', () => {
      sessions.delete(session);
      session.disconnected(failure);
    });
    return session;
  }

  /** Reads a TLS connection: record after record is decrypted into the shared buffer. */
  #readRecords(socket: TLSSocket, session: Session): void {
    const { batching, context } = this.#options;
    let records = 0;
    let turnEnds = false;
    /** Whether the records come from `readAgain`, which decides how the reading goes on. */
    let isReading = false;
    let isHeld = false;
    const hold = (): void => {
      if (!isHeld) batching.hold(reader);
      isHeld = true;
    };
    const goOn = (): void => {
      // A session that has halted resumes its socket itself.
      if (!session.intake.isHalted || session.phase === 'authorizing') socket.resume();
    };
    const reader = {
      readAgain: () => {
        isHeld = false;
        const bytes = readNow(socket, ENCRYPTED_BUFFER);
        isReading = true;
        if (bytes > 0) decrypt(socket, ENCRYPTED_BUFFER.subarray(0, bytes));
        isReading = false;
        if (bytes === ENCRYPTED_BUFFER.length) {
          // More bytes wait: to leave them for the next tick would cap the publisher's bitrate.
          setImmediate(() => {
            if (!session.intake.isHalted) reader.readAgain();
          });
        } else if (bytes > 0 && this.#isPaced(session)) hold();
        else goOn();
      },
    };
    const endTurn = (): void => {
      turnEnds = false;
      if (records >= EVENTS_PER_TURN && !isHeld) goOn();
      records = 0;
    };
    decryptInto(socket, READ_BUFFER, (bytes) => {
      context.traffic.reads += 1;
      session.receive(READ_BUFFER, 0, bytes);
      batching.afterRead();
      if (isReading) return false;
      if (this.#isPaced(session)) {
        hold();
        return false;
      }
      records += 1;
      if (!turnEnds) {
        turnEnds = true;
        setImmediate(endTurn);
      }
      return records < EVENTS_PER_TURN;
    });
    socket.resume();
  }

  /** Reads with public calls alone. */
  #readEvents(socket: Socket, session: Session): void {
    const { batching, context } = this.#options;
    const reader = { readAgain: () => void socket.resume() };
    let events = 0;
    /** Whether the batching decided in this turn when the client is read again. */
    let isPaced = false;
    let turnEnds = false;
    /** Whether the end of a turn has paused the socket, rather than the session. */
    let pauses = false;
    const endTurn = (): void => {
      turnEnds = false;
      if (events >= EVENTS_PER_TURN) {
        events = 0;
        // A session that has halted meanwhile resumes its socket itself.
        if (pauses && (!session.intake.isHalted || session.phase === 'authorizing')) socket.resume();
        turnEnds = true;
        setImmediate(endTurn);
        return;
      }
      const mayStop = isPaced && this.#isPaced(session);
      events = 0;
      isPaced = false;
      if (!mayStop) return;
      // Only after everything that has come is read: a remainder would cap the publisher's bitrate.
      socket.pause();
      batching.hold(reader);
    };
    socket.on('data', (bytes: Buffer) => {
      context.traffic.reads += 1;
      session.receive(bytes, 0, bytes.length);
      batching.afterRead();
      isPaced ||= this.#isPaced(session);
      events += 1;
      if (!turnEnds) {
        turnEnds = true;
        setImmediate(endTurn);
      }
      if (events !== EVENTS_PER_TURN) return;
      pauses = !socket.isPaused();
      if (pauses) socket.pause();
    });
  }

  /** Whether the client publishes and the batching decides when it is read again. */
  #isPaced({ streams: { publishing }, intake }: Session): boolean {
    if (publishing === null || intake.windowIsSmall) return false;
    return this.#options.batching.paces(publishing.publication.stream);
  }
}
