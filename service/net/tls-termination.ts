import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { CertificatePair } from '../config/certificate-pair';

/** A client that has not finished the TLS handshake by then is dropped (ms). */
const HANDSHAKE_MS = 10_000;

/** Wraps connections in TLS 1.2 or 1.3. The certificate can be replaced while sessions are up. */
export class TlsTermination {
  readonly #server: Server;
  readonly #waiting = new WeakMap<Socket, (secured: TLSSocket) => void>();

  /** @param rejected counts a connection whose handshake failed */
  constructor(pair: CertificatePair, rejected: (reason: string) => void) {
    this.#server = createServer({ ...pair, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_MS });
    this.#server.on('secureConnection', (secured) => {
      const ready = this.#waiting.get(parentOf(secured));
      if (ready === undefined) secured.destroy();
      else ready(secured);
    });
    this.#server.on('tlsClientError', (_error, socket) => {
      rejected('tls_handshake');
      socket.destroy();
    });
  }

  /** New connections get this certificate from now on. */
  use(pair: CertificatePair): void {
    this.#server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' });
  }

  /** Shakes hands on an accepted, paused connection; `ready` is not called when that fails. */
  secure(socket: Socket, ready: (secured: TLSSocket) => void): void {
    socket.on('error', () => {});
    this.#waiting.set(socket, ready);
    this.#server.emit('connection', socket);
  }
}

/** The connection under a TLS socket: Node keeps it in an undocumented but long-standing field. */
function parentOf(secured: TLSSocket): Socket {
  return (secured as unknown as { readonly _parent: Socket })._parent;
}
