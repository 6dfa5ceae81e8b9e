import type { Socket } from 'node:net';
import { addressGroup } from '../addresses/address-group';
import type { AddressRules } from '../addresses/address-rules';
import { BoundedMap } from '../collections/bounded-map';
import { TokenBucket } from '../collections/token-bucket';
import type { MonotonicClock } from '../time/clock';

/** What requests may cost, in units of about 0.1 ms of CPU: at once, and a second after that. */
interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

/** Of one client: a page with all its files, then a hundred viewers of HLS, or five readings of the metrics a second. */
const PER_ADDRESS: Allowance = { burst: 1_000, perSecond: 200 };
/** Of all clients together, from however many addresses they come. */
const OF_ALL: Allowance = { burst: 2_000, perSecond: 2_000 };
/** How often waiting requests are looked at (ms). */
const LOOK_MS = 20;
/** Most requests of one connection that wait: pipelining more is an attack. */
const MAX_WAITING_PER_CONNECTION = 8;
/** A client whose requests would wait for longer is disconnected (ms), and so are its new connections at once. */
const MAX_WAIT_MS = 5_000;
const MAX_CLIENTS = 10_000;

export interface RequestTurnsOptions {
  /** Addresses without these limits. */
  readonly exempt: Pick<AddressRules, 'allows'>;
  readonly now: MonotonicClock;
}

interface Waiting {
  readonly socket: Socket;
  readonly price: number;
  readonly run: () => void;
}

/** One client: an address, or an IPv6 /64. */
interface Client {
  /** Its units. */
  readonly account: TokenBucket;
  readonly waiting: Waiting[];
  /** Units of the requests that wait. */
  owed: number;
}

/**
 * Requests beyond what a client may cost wait, and so do all beyond what clients together may cost; clients take turns.
 * Streams go on meanwhile, and a client with few requests is served soon, however many another one sends.
 */
export class RequestTurns {
  readonly #exempt: Pick<AddressRules, 'allows'>;
  readonly #now: MonotonicClock;
  readonly #all = bucketOf(OF_ALL);
  readonly #clients = new BoundedMap<string, Client>(MAX_CLIENTS);
  /** Clients with a waiting request, in the order of their turns. */
  readonly #queue = new Set<Client>();
  readonly #waitingOf = new WeakMap<Socket, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor({ exempt, now }: RequestTurnsOptions) {
    this.#exempt = exempt;
    this.#now = now;
  }

  /** Requests that wait. */
  get waiting(): number {
    return [...this.#queue].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /** Whether the client owes so much that nothing more is taken from it now. */
  isSpent(address: string): boolean {
    if (this.#exempt.allows(address)) return false;
    const client = this.#clients.get(addressGroup(address));
    return client !== undefined && this.#waitMs(client) > MAX_WAIT_MS;
  }

  /** Calls `run` when it is the request's turn, at once if nothing is owed; never if the connection ends first. */
  take(socket: Socket, address: string, price: number, run: () => void): void {
    if (socket.destroyed) return;
    if (this.#exempt.allows(address)) {
      run();
      return;
    }
    const client = this.#client(addressGroup(address));
    const now = this.#now();
    if (client.waiting.length === 0 && client.account.tokens(now) > 0 && this.#all.tokens(now) > 0) {
      this.#pay(client, price);
      run();
      return;
    }
    const waiting = (this.#waitingOf.get(socket) ?? 0) + 1;
    if (waiting > MAX_WAITING_PER_CONNECTION || this.#waitMs(client) > MAX_WAIT_MS) {
      socket.destroy();
      return;
    }
    this.#waitingOf.set(socket, waiting);
    client.owed += price;
    client.waiting.push({ socket, price, run });
    this.#queue.add(client);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** What an answer has cost in addition, such as a wrong key. */
  charge(address: string, price: number): void {
    if (!this.#exempt.allows(address)) this.#pay(this.#client(addressGroup(address)), price);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#queue.clear();
  }

  /** One request of each client in turn, as long as there are units. */
  #look(): void {
    const now = this.#now();
    for (const client of this.#queue) {
      if (this.#all.tokens(now) <= 0) break;
      if (client.account.tokens(now) <= 0) continue;
      this.#queue.delete(client);
      // At the end of the order, which this loop reaches if there are units left.
      if (this.#serveNext(client) && client.waiting.length > 0) this.#queue.add(client);
    }
    if (this.#queue.size === 0) this.close();
  }

  /** Answers the client's next request whose connection is still there; false when there is none. */
  #serveNext(client: Client): boolean {
    for (let next = client.waiting.shift(); next !== undefined; next = client.waiting.shift()) {
      const { socket, price, run } = next;
      client.owed -= price;
      this.#waitingOf.set(socket, (this.#waitingOf.get(socket) ?? 1) - 1);
      if (socket.destroyed) continue;
      this.#pay(client, price);
      run();
      return true;
    }
    return false;
  }

  #pay(client: Client, price: number): void {
    const now = this.#now();
    client.account.spend(price, now);
    this.#all.spend(price, now);
  }

  /** How long a further request would wait for the client's own units. */
  #waitMs({ account, owed }: Client): number {
    return ((owed - account.tokens(this.#now())) / PER_ADDRESS.perSecond) * 1000;
  }

  #client(group: string): Client {
    const client = this.#clients.get(group) ?? {
      account: bucketOf(PER_ADDRESS),
      waiting: [],
      owed: 0,
    };
    // The newest are remembered: whoever floods from one address keeps its account.
    this.#clients.set(group, client);
    return client;
  }
}

function bucketOf({ burst, perSecond }: Allowance): TokenBucket {
  return new TokenBucket(burst, perSecond);
}
