import { randomInt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ClientHandshake } from '../../protocol/handshake/client-handshake';
import { outlivesErrors } from '../sockets/accepted-socket';

export interface TestTarget {
  readonly host: string;
  readonly port: number;
  /** The handshake is RTMPS. */
  readonly secure: boolean;
  /** Sent before anything else, as a load balancer does; may be empty. */
  readonly proxyHeader: Buffer;
}

/** Systems choose ports above these for other connections: Linux from 32768 to 60999, others from 49152. */
const MIN_PORT = 20_000;
const PORTS_END = 32_768;

/** The fault of a connection whose local port is in use: another port is to be tried. */
export const PORT_TAKEN = 'the local port is taken';

/** A local port for a test connection; it may be in use. */
export function chooseTestPort(): number {
  return randomInt(MIN_PORT, PORTS_END);
}

/**
 * Connects as a client does, performs the handshake and disconnects.
 *
 * @returns why that failed; undefined when S0, S1 and S2 have come and the server has closed, too
 */
export function shakeHandsOnce(target: TestTarget, localPort: number, timeoutMs: number): Promise<string | undefined> {
  const { host, port, secure, proxyHeader } = target;
  const handshake = new ClientHandshake();
  // From the listener's own address, by which the listener recognises a test connection.
  const tcp = outlivesErrors(connect({ host, port, localAddress: host, localPort, noDelay: true }));
  let stage = 'no connection';
  return new Promise((resolve) => {
    const finish = (fault?: string): void => {
      clearTimeout(timer);
      tcp.destroy();
      resolve(fault);
    };
    const timer = setTimeout(() => finish(`${stage} within ${timeoutMs / 1000} s`), timeoutMs);
    const start = (socket: Socket): void => {
      stage = 'no answer to the handshake';
      socket.write(handshake.request);
      socket.on('data', (bytes: Buffer) => {
        try {
          handshake.read(bytes, 0, bytes.length);
        } catch (error) {
          finish(String(error));
          return;
        }
        const reply = handshake.takeReply();
        if (reply !== undefined) socket.write(reply);
        if (!handshake.done) return;
        stage = 'not closed';
        socket.end();
      });
    };
    tcp.once('connect', () => {
      if (proxyHeader.length > 0) tcp.write(proxyHeader);
      if (!secure) {
        start(tcp);
        return;
      }
      stage = 'no TLS handshake';
      // The name in the certificate does not matter here.
      const tls = outlivesErrors(connectTls({ socket: tcp, rejectUnauthorized: false }));
      tls.once('secureConnect', () => start(tls));
      tls.once('error', (error: Error) => finish(error.message));
    });
    tcp.once('error', (error: NodeJS.ErrnoException) =>
      finish(error.code === 'EADDRINUSE' || error.code === 'EADDRNOTAVAIL' ? PORT_TAKEN : error.message),
    );
    tcp.once('close', () => finish(handshake.done ? undefined : `${stage}: the connection was closed`));
  });
}
