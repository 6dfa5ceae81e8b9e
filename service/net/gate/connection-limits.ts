import { addressGroup } from '../../addresses/address-group';
import type { AddressRules } from '../../addresses/address-rules';
import type { MonotonicClock } from '../../time/clock';

/** Places for connections, counted per client. Every place that was taken is given back by one `release`. */
export interface ConnectionPlaces {
  /**
   * Takes a place for the address; false when all are taken, unless `unlimited`. A promise where another process
   * counts.
   */
  acquire(address: string, unlimited: boolean): boolean | Promise<boolean>;
  release(address: string): void;
}

/** For connections without limits. */
export const UNLIMITED_PLACES: ConnectionPlaces = { acquire: () => true, release: () => undefined };

export interface ConnectionLimitOptions {
  /** Connections that one client may have at a time. */
  readonly maxPerAddress: number;
  /** Connections that one client may open a second; three seconds' worth may come at once. */
  readonly maxPerSecond: number;
  /** Addresses without these limits. */
  readonly exempt: AddressRules;
  readonly now: MonotonicClock;
}

/** How many seconds' worth of connections may come at once: an encoder that retries at once is no attack. */
const BURST_SECONDS = 3;
/** With more known clients than this, those without a connection are forgotten, the oldest first. */
const MAX_IDLE_CLIENTS = 10_000;

interface Client {
  /** Its open connections. */
  open: number;
  /** Connections that it may open now, as of `at` (ms). */
  allowance: number;
  at: number;
}

/**
 * Limits the connections of each client, and how fast it opens them. All addresses of an IPv6 network (/64) are one
 * client.
 */
export class ConnectionLimits implements ConnectionPlaces {
  readonly #options: ConnectionLimitOptions;
  readonly #clients = new Map<string, Client>();

  constructor(options: ConnectionLimitOptions) {
    this.#options = options;
  }

  /** Clients that are connected, or were lately. */
  get knownClients(): number {
    return this.#clients.size;
  }

  /** Takes a place for the address; false when it has none left now. */
  acquire(address: string, unlimited = false): boolean {
    const { maxPerAddress, exempt } = this.#options;
    const client = this.#client(this.#nameOf(address));
    if (!unlimited && !exempt.allows(address)) {
      if (client.open >= maxPerAddress || !this.#mayOpen(client)) return false;
      client.allowance -= 1;
    }
    client.open += 1;
    return true;
  }

  release(address: string): void {
    const client = this.#clients.get(this.#nameOf(address));
    if (client !== undefined && client.open > 0) client.open -= 1;
  }

  /** An exempt address counts alone, so that it takes nothing from the others of its network. */
  #nameOf(address: string): string {
    return this.#options.exempt.allows(address) ? address : addressGroup(address);
  }

  #mayOpen(client: Client): boolean {
    const { maxPerSecond, now } = this.#options;
    const at = now();
    client.allowance = Math.min(
      maxPerSecond * BURST_SECONDS,
      client.allowance + ((at - client.at) / 1000) * maxPerSecond,
    );
    client.at = at;
    return client.allowance >= 1;
  }

  #client(group: string): Client {
    const known = this.#clients.get(group);
    if (known !== undefined) return known;
    if (this.#clients.size >= MAX_IDLE_CLIENTS) this.#forgetIdle();
    const { maxPerSecond, now } = this.#options;
    const client = { open: 0, allowance: maxPerSecond * BURST_SECONDS, at: now() };
    this.#clients.set(group, client);
    return client;
  }

  /**
   * Makes room by forgetting clients without connections. Those that have opened none for BURST_SECONDS have their
   * whole allowance again, like a new client.
   */
  #forgetIdle(): void {
    const { now } = this.#options;
    const before = now() - BURST_SECONDS * 1000;
    let looked = 0;
    for (const [group, client] of this.#clients) {
      this.#clients.delete(group);
      if (client.open > 0 || client.at >= before) this.#clients.set(group, client);
      looked += 1;
      if (looked === 100) return;
    }
  }
}
