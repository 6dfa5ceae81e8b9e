import type { Socket } from 'node:net';
import { addressGroup } from '../addresses/address-group';

/**
 * Most answers in progress on one connection: pipelining is rare, and pipelining thousands of requests is an attack.
 */
const MAX_ANSWERS = 8;

interface OpenConnection {
  group: string;
  /** Requests whose answers are in progress; while one of them has arrived whole, the connection stays open. */
  readonly asked: Set<AskedRequest>;
}

/** An address with more than this share of all connections has none that stays although another one needs its place. */
const PROTECTED_SHARE = 0.25;

/** A request that is being answered. */
export interface AskedRequest {
  /** Whether its body has arrived whole. */
  readonly complete: boolean;
}

/**
 * Limits open connections without refusing new ones: at the limit, the oldest connection of the address with the most
 * connections is closed for a new one. Connections that have an answer in progress to a request that has arrived whole
 * stay, unless the address has a quarter of all. So neither idle clients nor slow ones, in whatever part of a request or
 * an answer, can keep a health check out.
 */
export class ConnectionCap {
  readonly #max: number;
  /** The oldest first. */
  readonly #open = new Map<Socket, OpenConnection>();
  readonly #perGroup = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Counts a new connection. When there are too many, closes another one or, if all have answers in progress, this one.
   */
  add(socket: Socket): void {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined || (this.#open.size >= this.#max && !this.#makeRoom())) {
      socket.destroy();
      return;
    }
    const group = addressGroup(remoteAddress);
    this.#open.set(socket, { group, asked: new Set() });
    this.#count(group, 1);
    socket.once('close', () => this.#remove(socket));
  }

  /** The connection is a load balancer's, which has said whose it is. */
  belongsTo(socket: Socket, address: string): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    this.#count(connection.group, -1);
    connection.group = addressGroup(address);
    this.#count(connection.group, 1);
  }

  /** An answer is to be made on this connection; false when too many are in progress already. */
  beginAnswer(socket: Socket, request: AskedRequest): boolean {
    const connection = this.#open.get(socket);
    if (connection === undefined) return true;
    if (connection.asked.size >= MAX_ANSWERS) return false;
    connection.asked.add(request);
    return true;
  }

  endAnswer(socket: Socket, request: AskedRequest): void {
    this.#open.get(socket)?.asked.delete(request);
  }

  /** The connection is another part's from now on, and not counted any more. */
  handOver(socket: Socket): void {
    this.#remove(socket);
  }

  #makeRoom(): boolean {
    let victim: Socket | undefined;
    let most = 0;
    for (const [socket, { group, asked }] of this.#open) {
      const count = this.#perGroup.get(group) ?? 0;
      const answers = [...asked].some(({ complete }) => complete);
      if (answers && count <= this.#max * PROTECTED_SHARE) continue;
      // The address with most connections first, and of these one without an answer.
      const rank = count + (answers ? 0 : 0.5);
      if (rank <= most) continue;
      victim = socket;
      most = rank;
    }
    if (victim === undefined) return false;
    // Its place is free at once, not only when the socket has closed.
    this.#remove(victim);
    victim.destroy();
    return true;
  }

  #remove(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    this.#open.delete(socket);
    this.#count(connection.group, -1);
  }

  #count(group: string, difference: 1 | -1): void {
    const count = (this.#perGroup.get(group) ?? 0) + difference;
    if (count > 0) this.#perGroup.set(group, count);
    else this.#perGroup.delete(group);
  }
}
