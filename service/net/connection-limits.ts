import type { AddressRules } from './address-rules';

/** Places for connections, counted per client address. Every place that was taken is given back by one `release`. */
export interface ConnectionPlaces {
  /** Takes a place for the address; false when all are taken, unless `unlimited`. A promise where another process counts. */
  acquire(address: string, unlimited: boolean): boolean | Promise<boolean>;
  release(address: string): void;
}

/** For connections that no limit is meant for. */
export const UNLIMITED_PLACES: ConnectionPlaces = { acquire: () => true, release: () => undefined };

/** Counts connections per client address and says when one has enough. */
export class ConnectionLimits implements ConnectionPlaces {
  readonly #counts = new Map<string, number>();
  readonly #max: number;
  readonly #exempt: AddressRules;

  constructor(maxPerAddress: number, exempt: AddressRules) {
    this.#max = maxPerAddress;
    this.#exempt = exempt;
  }

  /** Takes a place for the address; false when all are taken. Every true is followed by one `release`. */
  acquire(address: string, unlimited = false): boolean {
    const count = this.#counts.get(address) ?? 0;
    if (count >= this.#max && !unlimited && !this.#exempt.allows(address)) return false;
    this.#counts.set(address, count + 1);
    return true;
  }

  release(address: string): void {
    const count = this.#counts.get(address) ?? 0;
    if (count > 1) this.#counts.set(address, count - 1);
    else this.#counts.delete(address);
  }
}
