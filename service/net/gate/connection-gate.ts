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
  readonly log: Logger;
  /** Whether this may be the address of another node, which is not limited. */
  readonly isPeer: (address: string) => boolean;
  /** Whether new clients are to try another node. */
  readonly turnsAway: () => boolean;
  /** Counts a connection that did not become a session. */
  readonly rejected: (reason: string) => void;
}

/**
 * Every connection passes the gate before it may cost anything: before TLS, before the wait for a PROXY header, before
 * a byte is read. Connections are charged to the client's address as soon as it is known. Those that may not publish or
 * play yet are unproven: their number is limited, and the oldest is closed in favour of a new one, so that silent
 * connections cannot keep a new client out.
 */
export class ConnectionGate {
  readonly #options: GateOptions;
  /** Unproven connections, the oldest first. */
  readonly #unproven = new Set<Visit>();
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
      proven: (proven) => this.#unproven.delete(proven),
      closed: (closed) => {
        this.#unproven.delete(closed);
        this.#open -= 1;
      },
    });
    this.#open += 1;
    this.#unproven.add(visit);
    return visit;
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
    log: silentLogger,
    isPeer: () => true,
    turnsAway: () => false,
    rejected: () => undefined,
  });
}

interface VisitOwner {
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
  #closed = false;

  constructor(socket: Socket, options: GateOptions, owner: VisitOwner) {
    this.#socket = socket;
    this.#options = options;
    this.#owner = owner;
    this.#watch(socket);
  }

  /**
   * Takes a place for the client's address, and closes the connection if there is none. A second call has no effect.
   *
   * @param moved the connection has passed the gate of another process of this machine, which gave its place back
   */
  charge(address: string, moved = false): void {
    if (this.#address !== undefined || this.#closed) return;
    this.#address = address;
    const { places, isPeer, turnsAway } = this.#options;
    const peer = isPeer(address);
    if (!peer && !moved && turnsAway()) return this.#refuse('leaving', 'this node is being emptied');
    const answer = places.acquire(address, peer || moved);
    if (typeof answer === 'boolean') return this.#answered(answer);
    this.#place = 'asked';
    void answer.then((taken) => this.#answered(taken));
  }

  /** Calls back once the place is taken, at once if it is already; never when the connection ends first. */
  whenAdmitted(proceed: () => void): void {
    if (this.#closed) return;
    if (this.#place === 'taken') proceed();
    else this.#proceed = proceed;
  }

  /** The connection moves to another socket object: the 'close' of the former one does not end the visit any more. */
  movesTo(socket: Socket): void {
    if (socket === this.#socket) return;
    this.#socket = socket;
    this.#watch(socket);
  }

  /** The client may publish or play: its connection is not closed in favour of a new one any more. */
  proven(): void {
    this.#owner.proven(this);
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
  }

  #answered(taken: boolean): void {
    if (!taken) {
      this.#place = 'none';
      if (!this.#closed)
        this.#refuse(
          'too_many_connections',
          'too many from this address: MAX_IP_CONCURRENT_CONNECTIONS are open, or MAX_IP_CONNECTIONS_PER_SECOND is exceeded; ' +
            'CONCURRENT_LIMIT_WHITELIST lifts both',
        );
      return;
    }
    this.#place = 'taken';
    if (this.#closed) return this.leave();
    const proceed = this.#proceed;
    this.#proceed = undefined;
    proceed?.();
  }

  #refuse(code: string, reason: string): void {
    const { rejected, log } = this.#options;
    rejected(code);
    log.request(`connection refused: ${reason}`, { ip: this.#address });
    this.close();
  }
}
