import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { codeOf, messageOf } from '../../errors/error-text';
import { ClientHandshake } from '../../protocol/handshake/client-handshake';
import type { RtmpAddress } from '../../round-trip/rtmp-address';
import { PATIENCE_MS } from './examination';

/** How a server answered the beginning of an RTMP connection. */
export type ProbeResult =
  /** The handshake succeeded. */
  | { readonly kind: 'answered'; readonly tookMs: number }
  /** No connection could be made. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** A connection was made; the server closed it, stayed silent, or sent something else than RTMP. */
  | { readonly kind: 'not-rtmp'; readonly reason: string };

/** How a connection begins: with the client's own bytes, or with a load balancer's PROXY header before them. */
export type ProxyHeaderUse = 'none' | 'v1' | 'v2';

/** Headers for a connection of the proxy itself: LOCAL in version 2; UNKNOWN is the nearest in version 1. */
export const PROXY_HEADERS: Readonly<Record<ProxyHeaderUse, Buffer>> = {
  none: Buffer.alloc(0),
  v1: Buffer.from('PROXY UNKNOWN\r\n', 'latin1'),
  v2: Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex'),
};

/** Connects as a client does, performs the handshake and disconnects. The certificate of RTMPS is not checked here. */
export function probeRtmp(
  { host, port, secure }: RtmpAddress,
  header: ProxyHeaderUse = 'none',
  timeoutMs = PATIENCE_MS,
): Promise<ProbeResult> {
  const begunAt = performance.now();
  const handshake = new ClientHandshake();
  const tcp = connect({ host, port, noDelay: true });
  let connected = false;
  return new Promise((resolve) => {
    const finish = (result: ProbeResult): void => {
      clearTimeout(timer);
      tcp.destroy();
      resolve(result);
    };
    const fail = (reason: string): void => finish({ kind: connected ? 'not-rtmp' : 'unreachable', reason });
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    const talk = (socket: Socket): void => {
      socket.write(handshake.request);
      socket.on('data', (bytes: Buffer) => {
        try {
          handshake.read(bytes, 0, bytes.length);
        } catch (error) {
          fail(messageOf(error));
          return;
        }
        if (handshake.done) finish({ kind: 'answered', tookMs: Math.round(performance.now() - begunAt) });
      });
    };
    tcp.on('error', (error) => fail(codeOf(error) ?? messageOf(error)));
    tcp.on('close', () => fail('the connection was closed'));
    tcp.once('connect', () => {
      connected = true;
      if (header !== 'none') tcp.write(PROXY_HEADERS[header]);
      if (!secure) {
        talk(tcp);
        return;
      }
      const tls = connectTls({ socket: tcp, rejectUnauthorized: false });
      tls.on('error', (error) => fail(messageOf(error)));
      tls.once('secureConnect', () => talk(tls));
    });
  });
}
