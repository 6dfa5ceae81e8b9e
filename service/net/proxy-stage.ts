import type { Socket } from 'node:net';
import { ProtocolError } from '../protocol/protocol-errors';
import type { AddressRules } from './address-rules';
import { parseProxyHeader, type ProxyProtocolMode } from './proxy-protocol';

export interface ProxyStageOptions {
  readonly mode: ProxyProtocolMode;
  /** Peers whose header is believed; any other peer's connection is closed. */
  readonly trusted: AddressRules;
  /** Counts a connection that ends here. */
  rejected(reason: string): void;
}

/** A load balancer sends the header with the client's first bytes, so it may take as long as a client's first word. */
const HEADER_DEADLINE_MS = 10_000;
/** Connections without a header cannot be counted per client; all together they are bounded by this. */
const MAX_WAITING = 10_000;

/** Reads the PROXY protocol header that comes before a connection's own bytes. */
export class ProxyStage {
  readonly #options: ProxyStageOptions;
  #waiting = 0;

  constructor(options: ProxyStageOptions) {
    this.#options = options;
  }

  /**
   * Calls `ready` with the client's address (the peer's own where the header names none, as in health checks) and the
   * bytes that followed the header; not at all when the connection ends or is closed here.
   */
  read(socket: Socket, peer: string, ready: (address: string, rest: Buffer) => void): void {
    const { trusted, mode } = this.#options;
    if (!trusted.allows(peer)) return this.#reject(socket, 'proxy_untrusted');
    if (this.#waiting >= MAX_WAITING) return this.#reject(socket, 'proxy_waiting_limit');
    this.#waiting += 1;
    let received: Buffer = Buffer.alloc(0);
    const deadline = setTimeout(() => done('proxy_timeout'), HEADER_DEADLINE_MS);
    const done = (rejection?: string): void => {
      clearTimeout(deadline);
      this.#waiting -= 1;
      socket.off('data', onData);
      socket.off('close', onClose);
      socket.off('error', onError);
      if (rejection !== undefined) this.#reject(socket, rejection);
    };
    const onData = (bytes: Buffer): void => {
      received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
      try {
        const result = parseProxyHeader(received, mode);
        if (result.kind === 'incomplete') return;
        socket.pause();
        done();
        const { header } = result;
        const address = header.command === 'proxy' && header.source !== undefined ? header.source.address : peer;
        ready(address, received.subarray(result.length));
      } catch (error) {
        done(error instanceof ProtocolError ? error.code : 'bad_proxy_header');
      }
    };
    const onClose = (): void => done();
    const onError = (): void => {};
    socket.on('data', onData);
    socket.on('close', onClose);
    socket.on('error', onError);
    socket.resume();
  }

  #reject(socket: Socket, reason: string): void {
    this.#options.rejected(reason);
    socket.on('error', () => {});
    socket.destroy();
  }
}
