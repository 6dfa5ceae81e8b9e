import type { Socket } from 'node:net';
import type { Logger } from '../../logging/logger';
import { FaultRateLimit } from '../../logging/rate-limit';
import { ProtocolError } from '../../protocol/protocol-errors';
import type { AddressRules } from '../../addresses/address-rules';
import type { Refusal } from '../gate/connection-gate';
import { parseProxyHeader, type ProxyProtocolMode } from './proxy-protocol';

export interface ProxyStageOptions {
  readonly mode: ProxyProtocolMode;
  /** Peers whose header is believed; any other peer's connection is closed, unless it may be a relay's. */
  readonly trusted: Pick<AddressRules, 'allows'>;
  /** Peers that send no header, whether trusted or not, such as transcoders in the same network. Default: none. */
  readonly direct?: Pick<AddressRules, 'allows'>;
  /**
   * Whether other nodes' relays come here: from any address, with a header of version 2 that names no client. Default no.
   */
  readonly relays?: boolean;
  readonly log: Logger;
  /** Counts a rejected connection. */
  rejected(reason: string): void;
  /** Time for the header and the first byte that follows it (ms). */
  readonly deadlineMs?: number;
}

/** A load balancer sends the header with the client's first bytes, so it may be as late as those. */
const DEADLINE_MS = 10_000;

/** A relay sends its header at once (ms). */
const RELAY_DEADLINE_MS = 3_000;
/** The first bytes of a header of version 2 that names no client (command LOCAL). */
const LOCAL_START = Buffer.from('0d0a0d0a000d0a515549540a20', 'hex');

/** How a connection has come. */
export interface Arrival {
  /** No load balancer names a client: it may be another node's relay. */
  readonly mayBeRelay: boolean;
  /** Nobody but a relay may have it: the peer is not trusted. */
  readonly refusal?: Refusal | undefined;
}

const UNTRUSTED: Refusal = { code: 'proxy_untrusted', reason: 'the peer is not in PROXY_TRUSTED' };

/** What the first bytes of a connection say. */
interface Opening extends Arrival {
  readonly headerBytes: number;
  /** The client's address; undefined: the peer's. */
  readonly address?: string | undefined;
}

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

  /** Whether nothing has to be read of this peer's connections: they have no header. */
  passes(peer: string): boolean {
    return this.#isDirect(peer) && !this.#takesRelays;
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
    ready: (address: string, rest: Buffer, arrival: Arrival) => void,
    named?: (address: string) => void,
  ): void {
    const { trusted, deadlineMs = DEADLINE_MS } = this.#options;
    const mayBeClient = trusted.allows(peer) || this.#isDirect(peer);
    if (!mayBeClient && !this.#takesRelays) {
      this.#reject(socket, peer, { code: UNTRUSTED.code, message: UNTRUSTED.reason });
      return;
    }
    let received: Buffer = Buffer.alloc(0);
    let opening: Opening | undefined;
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
      if (opening === undefined) {
        const read = this.#openingOf(received, peer);
        if (read === 'incomplete') return;
        if ('code' in read) return reject(read);
        opening = read;
        received = received.subarray(opening.headerBytes);
        if (opening.address !== undefined && opening.address !== peer) named?.(opening.address);
        if (socket.destroyed) return;
      }
      // It may be a health check; the header of some names the balancer's own address. Wait for a byte of a client.
      if (received.length === 0) return;
      // The caller may have to wait before it reads on: bytes that come meanwhile stay in the socket.
      socket.pause();
      done();
      ready(opening.address ?? peer, received, opening);
    };
    const patienceMs = mayBeClient ? deadlineMs : Math.min(deadlineMs, RELAY_DEADLINE_MS);
    const deadline = setTimeout(() => reject({ code: 'proxy_timeout' }), patienceMs);
    socket.on('data', onData);
    socket.on('close', done);
    socket.resume();
  }

  get #takesRelays(): boolean {
    return this.#options.relays === true;
  }

  #isDirect(peer: string): boolean {
    return this.#options.direct?.allows(peer) === true;
  }

  #openingOf(received: Buffer, peer: string): 'incomplete' | Opening | Rejection {
    const { trusted, mode } = this.#options;
    const isDirect = this.#isDirect(peer);
    const isTrusted = trusted.allows(peer);
    const known = Math.min(received.length, LOCAL_START.length);
    const isLocal = this.#takesRelays && received.subarray(0, known).equals(LOCAL_START.subarray(0, known));
    if (isLocal && known < LOCAL_START.length) return 'incomplete';
    if (isDirect && !isLocal) return { headerBytes: 0, mayBeRelay: false };
    if (!isTrusted && !isLocal) return { code: UNTRUSTED.code, message: UNTRUSTED.reason };
    try {
      const result = parseProxyHeader(received, isLocal ? 'v2' : mode);
      if (result.kind === 'incomplete') return 'incomplete';
      const { header, length } = result;
      const headerBytes = length;
      if (header.command === 'proxy') return { headerBytes, address: header.source?.address, mayBeRelay: false };
      return { headerBytes, mayBeRelay: true, refusal: isTrusted || isDirect ? undefined : UNTRUSTED };
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
