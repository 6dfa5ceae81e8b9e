import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { CertificatePair } from '../../config/certificate-pair';
import { whenHelloHasCome } from './client-hello';
import { HandshakeTurns } from './handshake-turns';

/** A client that has not finished the TLS handshake this long after it began to connect (ms) is disconnected. */
const HANDSHAKE_MS = 10_000;

const NOT_IN_TIME = 'no TLS handshake in time';

/** The outcome of a TLS handshake: exactly one of `ready` and `failed` is called, once. */
interface Outcome {
  readonly deadline: NodeJS.Timeout;
  readonly ready: (secured: TLSSocket) => void;
  /** Without a reason, the client has left. */
  readonly failed: (reason?: string) => void;
}

/** Wraps connections in TLS 1.2 or 1.3. The certificate can be replaced while sessions are up. */
export class TlsTermination {
  readonly #server: Server;
  /** Connections in their handshake, by their addresses: a TLS socket does not tell which socket it wraps. */
  readonly #waiting = new Map<string, Outcome>();
  readonly #turns = new HandshakeTurns();

  constructor(pair: CertificatePair) {
    this.#server = createServer({ ...pair, minVersion: 'TLSv1.2' });
    this.#server.on('secureConnection', (secured) => {
      const outcome = this.#take(nameOf(secured));
      if (outcome === undefined) secured.destroy();
      else outcome.ready(secured);
    });
    this.#server.on('tlsClientError', (error, secured) => {
      // A client that has left has no addresses any more; `secure` notices its end.
      this.#take(nameOf(secured))?.failed(describeFailure(error));
      secured.destroy();
    });
  }

  /** New connections get this certificate from now on. */
  use(pair: CertificatePair): void {
    this.#server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' });
  }

  /**
   * Performs the TLS handshake on an accepted, paused connection.
   *
   * @param failed called instead of `ready` when the handshake fails: with the reason, or without a reason when the
   *   client has disconnected
   */
  secure(socket: Socket, ready: (secured: TLSSocket) => void, failed: (reason?: string) => void): void {
    const name = nameOf(socket);
    // One for the hello and all that follows: Node's own would begin with the hello.
    const deadline = setTimeout(() => {
      this.#take(name)?.failed(NOT_IN_TIME);
      socket.destroy();
    }, HANDSHAKE_MS);
    const outcome = { ready, failed, deadline };
    this.#waiting.set(name, outcome);
    socket.once('close', () => {
      clearTimeout(deadline);
      if (this.#waiting.get(name) === outcome) this.#take(name)?.failed();
    });
    // Nothing that is dear happens before the client has sent all that its server needs.
    const begin = (): void => void this.#server.emit('connection', socket);
    whenHelloHasCome(socket, () => this.#turns.take(() => socket.destroyed, begin));
  }

  #take(name: string): Outcome | undefined {
    const outcome = this.#waiting.get(name);
    this.#waiting.delete(name);
    clearTimeout(outcome?.deadline);
    return outcome;
  }
}

/** Unique among the open connections to a port. */
function nameOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

/** Codes of the alerts with which clients refuse a certificate (RFC 8446, 6.2). Some clients close without an alert. */
const CERTIFICATE_ALERT =
  /ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(?:UNKNOWN|EXPIRED|REVOKED)|UNRECOGNIZED_NAME)$/;

/** In words for an operator: most clients that fail here speak another protocol. */
function describeFailure({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ERR_SSL_HTTP_REQUEST':
      return 'an HTTP client on the RTMPS port';
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'not TLS: a plain RTMP client, or another protocol, on the RTMPS port';
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL':
      return 'the client knows no TLS version from 1.2 on';
    default:
      if (CERTIFICATE_ALERT.test(code ?? ''))
        return 'the client does not trust the certificate: self-signed, incomplete chain, or another name?';
      return code ?? message;
  }
}
