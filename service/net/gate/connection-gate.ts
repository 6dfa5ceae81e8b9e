import type { Socket } from 'node:net';
import type { Logger } from '../../logging/logger';
import { silentLogger } from '../../logging/silent-logger';
import { type ConnectionPlaces, UNLIMITED_PLACES } from './connection-limits';

export interface GateOptions {
  readonly places: ConnectionPlaces;
  /** Most connections at a time that have not published or played yet; the oldest is closed in favour of a new one. */
  readonly maxUnproven: number;
  /** Most connections at a time, streams included. */
  readonly maxOpen: number;
  /**
   * Most connections at a time that no client may have, but perhaps another node's relay, which is not limited: until
   * they prove it, the oldest gives way to a new one. 0: no relays come here.
   */
  readonly maxRelayCandidates: number;
  readonly log: Logger;
  /** Whether new clients are to try another node. */
  readonly turnsAway: () => boolean;
  /** Counts a connection that did not become a session. */
  readonly rejected: (reason: string) => void;
}

/** Why a client may not have a connection. */
export interface Refusal {
  /** Value of a metric label. */
  readonly code: string;
  /** For the log. */
  readonly reason: string;
}

/** What is known of a connection when its client's address is. */
export interface Charge {
  /** The connection has passed the gate of another process of this machine, which gave its place back. */
  readonly moved?: boolean;
  /** It may be another node's relay: plain, and not from a client that a load balancer names. */
  readonly mayBeRelay?: boolean;
  /** Nobody but another node's relay may have the connection. */
  readonly refusal?: Refusal | undefined;
}

const LEAVING: Refusal = { code: 'leaving', reason: 'this node is being emptied' };
const TOO_MANY: Refusal = {
  code: 'too_many_connections',
  reason:
    'too many from this address: MAX_IP_CONCURRENT_CONNECTIONS are open, or MAX_IP_CONNECTIONS_PER_SECOND is exceeded; ' +
    'CONCURRENT_LIMIT_WHITELIST lifts both',
};

/**
 * Every connection passes the gate before it may cost anything: before TLS, before the wait for a PROXY header, before
 * a byte is read. Connections are charged to the client's address as soon as it is known. Those that may not publish or
 * play yet are unproven: their number is limited, and the oldest is closed in favour of a new one, so that silent
 * connections cannot keep a new client out.
 *
 * Another node's relay proves itself by its token, later, and is not limited: addresses prove nothing, since nodes may be
 * known by names or stand behind NAT. A connection that would be refused as a client's is therefore let in as a relay
 * candidate where relays come. The session does not let it do anything without a good token.
 */
export class ConnectionGate {
  readonly #options: GateOptions;
  /** Unproven connections, the oldest first. */
  readonly #unproven = new Set<Visit>();
  /** Those of them that only another node's relay may have, the oldest first. */
  readonly #candidates = new Set<Visit>();
  #open = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Connections that are open, and those of them that have not published or played yet. */
  get counts(): { readonly open: number; readonly unproven: number } {
    return { open: this.#open, unproven: this.#unproven.size };
  }

  /** Admits an accepted connection, to be charged next. Without room, destroys the socket and returns undefined. */
  enter(socket: Socket): Visit | undefined {
    const { maxUnproven, maxOpen, rejected } = this.#options;
    if (this.#unproven.size >= maxUnproven || this.#open >= maxOpen) {
      const oldest = this.#unproven.values().next().value;
      if (oldest === undefined) {
        rejected('node_full');
        socket.destroy();
        return undefined;
      }
      rejected('gave_way');
      oldest.close();
    }
    const visit = new Visit(socket, this.#options, {
      mayWait: (candidate) => this.#mayWait(candidate),
      proven: (proven) => this.#noLongerUnproven(proven),
      closed: (closed) => {
        this.#noLongerUnproven(closed);
        this.#open -= 1;
      },
    });
    this.#open += 1;
    this.#unproven.add(visit);
    return visit;
  }

  /** Whether the connection may stay until it proves to be a relay's. */
  #mayWait(candidate: Visit): boolean {
    const { maxRelayCandidates } = this.#options;
    if (maxRelayCandidates === 0) return false;
    if (this.#candidates.size >= maxRelayCandidates) this.#candidates.values().next().value?.close();
    this.#candidates.add(candidate);
    return true;
  }

  #noLongerUnproven(visit: Visit): void {
    this.#unproven.delete(visit);
    this.#candidates.delete(visit);
  }
}

/**
 * A gate without limits for each client: for the node's own connections, and for those of other nodes.
 *
 * @param maxUnproven connections at a time that have not published or played yet; the oldest is closed for a new one
 */
export function openGate(maxUnproven = Infinity): ConnectionGate {
  return new ConnectionGate({
    places: UNLIMITED_PLACES,
    maxUnproven,
    maxOpen: Infinity,
    maxRelayCandidates: 0,
    log: silentLogger,
    turnsAway: () => false,
    rejected: () => undefined,
  });
}

interface VisitOwner {
  mayWait(candidate: Visit): boolean;
  proven(visit: Visit): void;
  closed(visit: Visit): void;
}

/** One connection, from its acceptance to its end, and the place that it takes. */
export class Visit {
  readonly #options: GateOptions;
  readonly #owner: VisitOwner;
  #socket: Socket;
  /** The address that the visit is charged to; undefined while it is not known. */
  #address: string | undefined;
  #place: 'none' | 'asked' | 'taken' = 'none';
  #proceed: (() => void) | undefined;
  #mayBeRelay = false;
  /** Why a client may not have the connection, while it is not known whose it is. */
  #refusal: Refusal | undefined;
  #closed = false;

  constructor(socket: Socket, options: GateOptions, owner: VisitOwner) {
    this.#socket = socket;
    this.#options = options;
    this.#owner = owner;
    this.#watch(socket);
  }

  /** Whether only another node's relay may have the connection. */
  get isForRelays(): boolean {
    return this.#refusal !== undefined;
  }

  /**
   * Takes a place for the client's address, and closes the connection if there is none, unless it may be a relay's. A
   * second call has no effect.
   */
  charge(address: string, { moved = false, mayBeRelay = false, refusal }: Charge = {}): void {
    if (this.#address !== undefined || this.#closed) return;
    this.#address = address;
    this.#mayBeRelay = mayBeRelay;
    const { places, turnsAway } = this.#options;
    if (refusal !== undefined) return this.#refuse(refusal);
    if (!moved && turnsAway()) return this.#refuse(LEAVING);
    const answer = places.acquire(address, moved);
    if (typeof answer === 'boolean') return this.#answered(answer);
    this.#place = 'asked';
    void answer.then((taken) => this.#answered(taken));
  }

  /**
   * Calls back once the place is taken, or the connection waits for its proof: at once if it is so already; never when
   * the connection ends first.
   */
  whenAdmitted(proceed: () => void): void {
    if (this.#closed) return;
    if (this.#place === 'taken' || this.isForRelays) proceed();
    else this.#proceed = proceed;
  }

  /** The connection moves to another socket object: the 'close' of the former one does not end the visit any more. */
  movesTo(socket: Socket): void {
    if (socket === this.#socket) return;
    this.#socket = socket;
    this.#watch(socket);
  }

  /**
   * The client may publish or play: its connection is not closed in favour of a new one any more.
   *
   * @param asRelay it is another node's relay, which takes no client's place
   */
  proven(asRelay: boolean): void {
    this.#owner.proven(this);
    if (!asRelay) return;
    this.#refusal = undefined;
    this.leave();
  }

  /** Gives the place back. The connection may take a little longer to close. */
  leave(): void {
    if (this.#place !== 'taken') return;
    this.#place = 'none';
    this.#options.places.release(this.#address!);
  }

  /** Closes the connection at once. */
  close(): void {
    this.#socket.destroy();
    this.#ended();
  }

  #watch(socket: Socket): void {
    socket.once('close', () => {
      if (socket === this.#socket) this.#ended();
    });
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#proceed = undefined;
    this.leave();
    this.#owner.closed(this);
    if (this.#refusal !== undefined) this.#tell(this.#refusal);
  }

  #answered(taken: boolean): void {
    if (!taken) {
      this.#place = 'none';
      if (!this.#closed) this.#refuse(TOO_MANY);
      return;
    }
    this.#place = 'taken';
    if (this.#closed) this.leave();
    else this.#admitted();
  }

  #admitted(): void {
    const proceed = this.#proceed;
    this.#proceed = undefined;
    proceed?.();
  }

  #refuse(refusal: Refusal): void {
    if (this.#mayBeRelay && this.#owner.mayWait(this)) {
      this.#refusal = refusal;
      this.#admitted();
      return;
    }
    this.#tell(refusal);
    this.close();
  }

  #tell({ code, reason }: Refusal): void {
    const { rejected, log } = this.#options;
    rejected(code);
    log.request(`connection refused: ${reason}`, { ip: this.#address });
  }
}
