import type { Socket } from 'node:net';
import type { Logger } from '../../logging/logger';
import { FaultRateLimit } from '../../logging/rate-limit';
import { ProtocolError } from '../../protocol/protocol-errors';
import type { AddressRules } from '../../addresses/address-rules';
import { parseProxyHeader, type ProxyProtocolMode } from './proxy-protocol';

export interface ProxyStageOptions {
  readonly mode: ProxyProtocolMode;
  /**
   * Peers whose header is believed; any other peer's connection is closed. IPs and CIDRs, or other nodes of the fleet.
   */
  readonly trusted: Pick<AddressRules, 'allows'>;
  /** Peers that send no header, whether trusted or not, such as transcoders in the same network. Default: none. */
  readonly direct?: Pick<AddressRules, 'allows'>;
  readonly log: Logger;
  /** Counts a rejected connection. */
  rejected(reason: string): void;
  /** Time for the header and the first byte that follows it (ms). */
  readonly deadlineMs?: number;
}

/** A load balancer sends the header with the client's first bytes, so it may be as late as those. */
const DEADLINE_MS = 10_000;

/** Why a connection is rejected. */
interface Rejection {
  /** Value of a metric label. */
  readonly code: string;
  /** For the log; absent: nothing is logged. */
  readonly message?: string;
}

/**
 * Reads the PROXY protocol header at the start of a connection: exactly one, since a second one would be the client's
 * forgery. A load balancer's health check, which connects and closes with or without a header, is not logged.
 */
export class ProxyStage {
  readonly #options: ProxyStageOptions;
  readonly #faults: FaultRateLimit;

  constructor(options: ProxyStageOptions) {
    this.#options = options;
    this.#faults = new FaultRateLimit(options.log);
  }

  /** Whether this peer's connections have no header, as the option `direct` says. */
  passes(peer: string): boolean {
    return this.#options.direct?.allows(peer) === true;
  }

  /**
   * Calls `ready` with the client's address (the peer's own where the header names none) and the bytes that followed
   * the header, of which there is at least one; not at all when the connection ends or is closed here.
   *
   * @param named called before `ready`, as soon as a header names another client than the peer itself
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
      // It may be a health check; the header of some names the balancer's own address. Wait for a byte of a client.
      if (received.length === 0) return;
      // The caller may have to wait before it reads on: bytes that come meanwhile stay in the socket.
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
