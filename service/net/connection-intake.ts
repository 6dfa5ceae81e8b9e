import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '../logging/logger';
import type { Departure } from '../session/opening';
import { Session } from '../session/session';
import type { SessionContext } from '../session/session-context';
import type { SessionRegistry } from '../session/session-registry';
import type { ConnectionHandle } from '../session/transport';
import { outlivesErrors } from './accepted-socket';
import type { Batching } from './batching';
import type { ConnectionPlaces } from './connection-limits';
import type { IoPath } from './io-path';
import { adoptWithOnRead, readNow, socketOn, startReading, stopReading } from './socket-handle';
import { READ_BUFFER } from './read-buffer';
import { SocketTransport } from './socket-transport';

export interface IntakeOptions {
  readonly context: SessionContext;
  readonly sessions: Pick<SessionRegistry, 'nextId' | 'add' | 'delete'>;
  readonly limits: ConnectionPlaces;
  readonly batching: Batching;
  readonly log: Logger;
  readonly ioPath: IoPath;
  /** Whether connections from this address may be other nodes', which are not limited. */
  isPeer(address: string): boolean;
  /** Whether new clients are to try another node. */
  turnsAway(): boolean;
  /** Counts a connection that did not become a session. */
  rejected(reason: string): void;
}

/** What has become of a connection that another process has begun. */
interface Begun {
  /** What the client said there. */
  readonly said: Buffer;
  /** How much it was answered. */
  readonly answeredBytes: number;
}

/** Turns accepted connections whose client address is known into sessions. */
export class ConnectionIntake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /**
   * Begins a session on a plain, paused connection. `first` holds bytes that were read while looking for a PROXY header;
   * more may be in the socket.
   */
  open(accepted: Socket, address: string, first?: Buffer): void {
    this.#admit(accepted, address, () => this.#openPlain(accepted, address, first));
  }

  /** Goes on with a connection that another process of this machine has begun. */
  takeOver(handle: ConnectionHandle, { clientIp, said, answeredBytes }: Departure): void {
    const socket = outlivesErrors(socketOn(handle));
    this.#admit(socket, clientIp, () => this.#openPlain(socket, clientIp, undefined, { said, answeredBytes }));
  }

  /** Begins a session on a TLS connection. Its reads come decrypted in buffers of their own. */
  openSecure(socket: TLSSocket, address: string): void {
    outlivesErrors(socket);
    this.#admit(socket, address, () => this.#readEvents(socket, this.#begin(socket, address, true)));
  }

  #openPlain(accepted: Socket, address: string, first?: Buffer, begun?: Begun): void {
    let session: Session | undefined;
    let socket = accepted;
    if (this.#options.ioPath === 'public') {
      session = this.#begin(accepted, address, false, begun?.answeredBytes);
      this.#readEvents(accepted, session);
    } else {
      const adopted = this.#adopt(accepted, () => session!);
      if (adopted === undefined) {
        this.#options.limits.release(address);
        return;
      }
      socket = adopted;
      session = this.#begin(adopted, address, false, begun?.answeredBytes);
      // What has come while its place was asked for has been read already.
      const waiting = accepted.read() as Buffer | null;
      if (waiting !== null) first = first === undefined ? waiting : Buffer.concat([first, waiting]);
    }
    for (const bytes of [begun?.said, first]) if (bytes !== undefined) session.receive(bytes, 0, bytes.length);
    if (!session.isWaiting) socket.resume();
  }

  /** Has a connection read into the shared buffer; undefined when it has ended. */
  #adopt(accepted: Socket, session: () => Session): Socket | undefined {
    const { batching, context } = this.#options;
    const receive = (bytes: number): boolean => {
      context.traffic.reads += 1;
      session().receive(READ_BUFFER, 0, bytes);
      batching.afterRead();
      // A read that filled the buffer left more behind: pausing now would cap the publisher's bitrate.
      if (bytes === READ_BUFFER.length || !this.#isPaced(session())) return true;
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
    return socket;
  }

  /** Goes on with a connection that may become a session, and closes any other. */
  #admit(socket: Socket, address: string, proceed: () => void): void {
    const { limits } = this.#options;
    const isPeer = this.#options.isPeer(address);
    if (!isPeer && this.#options.turnsAway()) {
      this.#reject(socket, address, 'leaving', 'this node is being emptied');
      return;
    }
    const place = limits.acquire(address, isPeer);
    if (place === true) proceed();
    else if (place === false) this.#rejectSurplus(socket, address);
    else {
      void place.then((taken) => {
        if (!taken) this.#rejectSurplus(socket, address);
        else if (socket.destroyed) limits.release(address);
        else proceed();
      });
    }
  }

  #rejectSurplus(socket: Socket, address: string): void {
    this.#reject(socket, address, 'too_many_connections', 'too many from this address');
  }

  #reject(socket: Socket, address: string, code: string, reason: string): void {
    this.#options.rejected(code);
    this.#options.log.request(`connection refused: ${reason}`, { ip: address });
    socket.destroy();
  }

  #begin(socket: Socket, address: string, secure: boolean, alreadySent?: number): Session {
    const { context, sessions, limits } = this.#options;
    const transport = new SocketTransport(socket, address, secure, alreadySent);
    const session = new Session(context, transport, sessions.nextId());
    if (alreadySent !== undefined) session.stay();
    sessions.add(session);
    let failure: Error | undefined;
    socket.on('error', (error) => (failure = error));
    socket.on('close', () => {
      sessions.delete(session);
      limits.release(address);
      session.disconnected(failure);
    });
    return session;
  }

  #readEvents(socket: Socket, session: Session): void {
    const { batching, context, ioPath } = this.#options;
    const reader = {
      readAgain: () => {
        if (ioPath === 'public') socket.resume();
        else startReading(socket);
      },
    };
    let stopsSoon = false;
    const stop = (): void => {
      stopsSoon = false;
      if (!this.#isPaced(session)) return;
      if (ioPath === 'public') socket.pause();
      else stopReading(socket);
      batching.hold(reader);
    };
    socket.on('data', (bytes: Buffer) => {
      context.traffic.reads += 1;
      session.receive(bytes, 0, bytes.length);
      batching.afterRead();
      if (stopsSoon || !this.#isPaced(session)) return;
      // Not before everything that has come is read: what is left behind would cap the publisher's bitrate.
      stopsSoon = true;
      setImmediate(stop);
    });
  }

  /** Whether the client publishes, and is to be read again only when the batching says so. */
  #isPaced({ streams: { publishing }, awaitsAcknowledgements }: Session): boolean {
    if (publishing === null || awaitsAcknowledgements) return false;
    return this.#options.batching.paces(publishing.publication.stream);
  }
}
