import { addressGroup } from '../../addresses/address-group';
import { BoundedMap } from '../../collections/bounded-map';
import { TokenBucket } from '../../collections/token-bucket';

/** Wrong tokens that a client may send at once, and how many a second after that. */
const BURST = 10;
const PER_SECOND = 0.1;
const MAX_CLIENTS = 10_000;
/** Of all clients together: a token must not be guessed from many addresses either. */
const ALL_BURST = 200;
const ALL_PER_SECOND = 5;

/** Limits how often clients can try wrong tokens. */
export class Attempts {
  readonly #clients = new BoundedMap<string, TokenBucket>(MAX_CLIENTS);
  readonly #blocked = new BoundedMap<string, number>(MAX_CLIENTS);
  readonly #all = new TokenBucket(ALL_BURST, ALL_PER_SECOND);
  #allBlockedUntil = 0;

  /** How long the client has to wait before its token is looked at (s); 0: not at all. */
  waitSeconds(address: string, nowMs: number): number {
    const until = Math.max(this.#blocked.get(addressGroup(address)) ?? 0, this.#allBlockedUntil);
    return Math.max(0, Math.ceil((until - nowMs) / 1000));
  }

  /** The client has sent a wrong token. */
  failed(address: string, nowMs: number): void {
    const group = addressGroup(address);
    const bucket = this.#clients.get(group) ?? new TokenBucket(BURST, PER_SECOND);
    this.#clients.set(group, bucket);
    if (!bucket.take(nowMs)) this.#blocked.set(group, nowMs + 1000 / PER_SECOND);
    if (!this.#all.take(nowMs)) this.#allBlockedUntil = nowMs + 1000 / ALL_PER_SECOND;
  }
}
