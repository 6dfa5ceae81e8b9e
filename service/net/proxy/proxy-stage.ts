import type { Socket } from 'node:net';
import type { Logger } from '../../logging/logger';
import { FaultRateLimit } from '../../logging/rate-limit';
import { ProtocolError } from '../../protocol/protocol-errors';
import type { AddressRules } from '../../addresses/address-rules';
import { parseProxyHeader, type ProxyProtocolMode } from './proxy-protocol';

export interface ProxyStageOptions {
  readonly mode: ProxyProtocolMode;
  /** Peers whose header is believed; any other peer's connection is closed. IPs and CIDRs, or other nodes of the fleet. */
  readonly trusted: Pick<AddressRules, 'allows'>;
  /** Peers that come without a header, whether trusted or not: transcoders in the same network, say. Default nobody. */
  readonly direct?: Pick<AddressRules, 'allows'>;
  readonly log: Logger;
  /** Counts a connection that ends here. */
  rejected(reason: string): void;
  /** Time for the header and the first byte that follows it (ms). */
  readonly deadlineMs?: number;
}

/** A load balancer sends the header with the client's first bytes, so it may take as long as a client's first word. */
const DEADLINE_MS = 10_000;

/** Why a connection ends here. */
interface Rejection {
  /** Value of a metric label. */
  readonly code: string;
  /** For the log; without one there is nothing to log. */
  readonly message?: string;
}

/**
 * Reads the PROXY protocol header that comes before a connection's own bytes: exactly one, as a second one would be the
 * client's own invention. A load balancer's health check, which connects and closes with or without a header of its
 * own, ends here unnoticed.
 */
export class ProxyStage {
  readonly #options: ProxyStageOptions;
  readonly #faults: FaultRateLimit;

  constructor(options: ProxyStageOptions) {
    this.#options = options;
    this.#faults = new FaultRateLimit(options.log);
  }

  /** Whether a peer's connections begin with its own bytes: it is named as one that comes without a header. */
  passes(peer: string): boolean {
    return this.#options.direct?.allows(peer) === true;
  }

  /**
   * Calls `ready` with the client's address (the peer's own where the header names none) and the bytes that followed
   * the header, of which there is at least one; not at all when the connection ends or is closed here.
   *
   * @param named called before that, as soon as a header names another client than the peer itself
   */
  read(
    socket: Socket,
    peer: string,
    ready: (address: string, rest: Buffer) => void,
    named?: (address: string) => void,
  ): void {
    const { trusted, mode, deadlineMs = DEADLINE_MS } = this.#options;
    if (!trusted.allows(peer)) {
      this.#reject(socket, peer, { code: 'proxy_untrusted', message: 'the peer is not in PROXY_TRUSTED' });
      return;
    }
    let received: Buffer = Buffer.alloc(0);
    let address: string | undefined;
    const done = (): void => {
      clearTimeout(deadline);
      socket.off('data', onData);
      socket.off('close', done);
    };
    const reject = (rejection: Rejection): void => {
      done();
      this.#reject(socket, peer, rejection);
    };
    const onData = (bytes: Buffer): void => {
      received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
      if (address === undefined) {
        const client = this.#clientOf(received, mode);
        if (client === 'incomplete') return;
        if ('code' in client) return reject(client);
        received = received.subarray(client.headerBytes);
        address = client.address ?? peer;
        if (address !== peer) named?.(address);
        if (socket.destroyed) return;
      }
      // It may be a health check, some of which come with the balancer's own address: wait until somebody speaks.
      if (received.length === 0) return;
      // Whoever takes it over may have to wait for something first: what comes meanwhile stays in the socket.
      socket.pause();
      done();
      ready(address, received);
    };
    const deadline = setTimeout(() => reject({ code: 'proxy_timeout' }), deadlineMs);
    socket.on('data', onData);
    socket.on('close', done);
    socket.resume();
  }

  #clientOf(
    received: Buffer,
    mode: ProxyProtocolMode,
  ): 'incomplete' | { readonly headerBytes: number; readonly address: string | undefined } | Rejection {
    try {
      const result = parseProxyHeader(received, mode);
      if (result.kind === 'incomplete') return 'incomplete';
      const { header, length } = result;
      return { headerBytes: length, address: header.command === 'proxy' ? header.source?.address : undefined };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { code: error.code, message: error.message };
    }
  }

  #reject(socket: Socket, peer: string, { code, message }: Rejection): void {
    this.#options.rejected(code);
    if (message !== undefined) {
      this.#faults.report('warning', code, 'connection refused', { ip: peer, reason: message });
    }
    socket.destroy();
  }
}
