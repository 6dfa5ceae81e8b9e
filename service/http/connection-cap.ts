import type { Socket } from 'node:net';
import { addressGroup } from '../addresses/address-group';

/**
 * Most answers in progress on one connection: pipelining is rare, and pipelining thousands of requests is an attack.
 */
const MAX_ANSWERS = 8;

interface OpenConnection {
  readonly group: string;
  /** Answers in progress; while there are any, the connection is not closed for a new one. */
  answers: number;
}

/**
 * Limits open connections without refusing new ones: at the limit, the oldest connection of the address with the most
 * connections is closed for a new one, unless it has an answer in progress. So neither idle nor slow clients can keep a
 * health check out.
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
    this.#open.set(socket, { group, answers: 0 });
    this.#perGroup.set(group, (this.#perGroup.get(group) ?? 0) + 1);
    socket.once('close', () => this.#remove(socket));
  }

  /** An answer is to be made on this connection; false when too many are in progress already. */
  beginAnswer(socket: Socket): boolean {
    const connection = this.#open.get(socket);
    if (connection === undefined) return true;
    if (connection.answers >= MAX_ANSWERS) return false;
    connection.answers += 1;
    return true;
  }

  endAnswer(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection !== undefined) connection.answers -= 1;
  }

  /** The connection is another part's from now on, and not counted any more. */
  handOver(socket: Socket): void {
    this.#remove(socket);
  }

  #makeRoom(): boolean {
    let victim: Socket | undefined;
    let most = 0;
    for (const [socket, { group, answers }] of this.#open) {
      const count = this.#perGroup.get(group) ?? 0;
      if (answers > 0 || count <= most) continue;
      victim = socket;
      most = count;
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
    const left = (this.#perGroup.get(connection.group) ?? 0) - 1;
    if (left > 0) this.#perGroup.set(connection.group, left);
    else this.#perGroup.delete(connection.group);
  }
}
