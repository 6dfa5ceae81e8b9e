import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Logger } from '../logging/logger';
import { FaultRateLimit } from '../logging/rate-limit';
import { outlivesErrors } from './sockets/accepted-socket';
import { normalizeAddress } from '../addresses/address-rules';
import type { ConnectionGate, Visit } from './gate/connection-gate';
import type { ConnectionIntake } from './connection-intake';
import type { Arrival, ProxyStage } from './proxy/proxy-stage';
import type { TlsTermination } from './tls/tls-termination';

/** Where the node's own test connections go, which appear in no log and no metric: see `ListenerTest`. */
export interface TestRoute {
  /** Whether an accepted connection is a test connection. */
  claims(socket: Socket): boolean;
  readonly gate: ConnectionGate;
  readonly intake: ConnectionIntake;
  readonly proxy?: ProxyStage | undefined;
}

export interface RtmpListenerOptions {
  readonly gate: ConnectionGate;
  readonly intake: ConnectionIntake;
  readonly log: Logger;
  /** Present: each connection begins with a PROXY protocol header. */
  readonly proxy?: ProxyStage | undefined;
  /** Present: connections are TLS (RTMPS). */
  readonly tls?: TlsTermination | undefined;
  readonly tests?: TestRoute | undefined;
  /** Counts a connection that did not get past its TLS handshake. */
  rejected?(reason: string): void;
}

/** A connection that has a place. */
interface Admitted {
  readonly visit: Visit;
  readonly intake: ConnectionIntake;
  readonly isTest: boolean;
  readonly address: string;
}

/** A connection without a PROXY header. */
const DIRECT: Arrival = { mayBeRelay: true };
/** When TCP keep-alive begins (ms): it finds dead peers behind NATs that forgot the connection. */
const KEEP_ALIVE_MS = 30_000;
/** Connections the kernel may hold until they are accepted, as far as it allows. */
const BACKLOG = 4096;
/** Connections that may wait until the listener is open; a client that leaves meanwhile is not noticed. */
const MAX_WAITING = 4096;

/**
 * Accepts connections on one port and passes them through the gate, PROXY header and TLS to the intake. Connections
 * that come before `open` wait, unread.
 */
export class RtmpListener {
  readonly #options: RtmpListenerOptions;
  readonly #server: Server;
  readonly #faults: FaultRateLimit;
  /** Connections that wait for `open`; undefined from then on. */
  #waiting: Socket[] | undefined = [];

  constructor(options: RtmpListenerOptions) {
    this.#options = options;
    this.#faults = new FaultRateLimit(options.log);
    // Sockets are taken over before their first read, see ConnectionIntake.
    this.#server = createServer(
      { pauseOnConnect: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
      (socket) => {
        outlivesErrors(socket);
        if (this.#waiting === undefined) this.#accept(socket);
        else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(socket);
        else socket.destroy();
      },
    );
  }

  /**
   * Listens on the port and resolves to its address; connections wait for `open`.
   *
   * @param host undefined: all addresses, IPv4 and IPv6
   * @param exclusive for this worker process alone; otherwise workers share the port
   * @throws the system's error when the port cannot be listened on
   */
  async listen(port: number, host: string | undefined, exclusive = false): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host, exclusive, backlog: BACKLOG }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    // For example too few file descriptors: the next connection may work again, and live streams must continue.
    this.#server.on('error', (error) =>
      this.#faults.report('warning', 'accept', 'accept failed', { reason: error.message }),
    );
    return this.#server.address() as AddressInfo;
  }

  /** Serves the connections that wait, and all later ones. */
  open(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const socket of waiting) this.#accept(socket);
  }

  /** Stops accepting. Open connections continue; those that wait for `open` are closed. */
  close(): void {
    this.#server.close();
    for (const socket of this.#waiting ?? []) socket.destroy();
  }

  #accept(socket: Socket): void {
    // Undefined when the client is gone already.
    const peer = socket.remoteAddress;
    if (peer === undefined) {
      socket.destroy();
      return;
    }
    const address = normalizeAddress(peer);
    const { tests } = this.#options;
    const isTest = tests?.claims(socket) === true;
    const { gate, proxy, intake } = isTest ? tests : this.#options;
    const visit = gate.enter(socket);
    if (visit === undefined) return;
    const { tls } = this.#options;
    const open = (client: string, rest?: Buffer, { mayBeRelay, refusal }: Arrival = DIRECT): void => {
      visit.charge(client, { mayBeRelay: mayBeRelay && tls === undefined, refusal });
      visit.whenAdmitted(() => this.#open(socket, { visit, intake, isTest, address: client }, rest));
    };
    if (proxy === undefined || proxy.passes(address)) open(address);
    else proxy.read(socket, address, open, (client) => visit.charge(client));
  }

  #open(socket: Socket, { visit, intake, isTest, address }: Admitted, rest?: Buffer): void {
    const { tls } = this.#options;
    if (tls === undefined) {
      intake.open(socket, visit, address, rest);
      return;
    }
    if (rest !== undefined && rest.length > 0) socket.unshift(rest);
    tls.secure(
      socket,
      (secured) => intake.openSecure(secured, visit, address),
      (reason) => {
        visit.close();
        if (!isTest) this.#tlsFailed(address, reason);
      },
    );
  }

  /** Without a reason, the client has left: a health check or a scanner, not worth a log line. */
  #tlsFailed(address: string, reason?: string): void {
    this.#options.rejected?.('tls_handshake');
    if (reason === undefined) return;
    this.#faults.report('warning', `tls ${reason}`, 'connection refused', { ip: address, reason });
  }
}
