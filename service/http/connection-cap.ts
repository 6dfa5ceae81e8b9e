import type { Socket } from 'node:net';
import { addressGroup } from '../addresses/address-group';

/** Answers at a time for one client that does not wait for them: pipelining is rare, and one of thousands an attack. */
const MAX_ANSWERS = 8;

interface OpenConnection {
  readonly group: string;
  /** Answers that are being made; while there are any, it does not have to give way. */
  answers: number;
}

/**
 * Bounds open connections without turning anybody away: at the limit the oldest connection of the address that has most
 * gives way to a new one, unless its answer is being made. So neither idle nor slow clients keep a health check out.
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

  /** Takes a new connection in, and ends another one, or in the worst case this one, when there are too many. */
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

  /** An answer is going to be made on this connection; false when too many are being made already. */
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
    // Its place is free now, not only when it has closed.
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
