import { createHash, hkdfSync } from 'node:crypto';

/** The keys derived from one secret. */
export interface DerivedKeys {
  /** Identifies the secret without revealing anything of it. */
  readonly id: string;
  /** 32 bytes each: `records` for AES-256, `tokens` for HMAC-SHA-256. */
  readonly records: Buffer;
  readonly tokens: Buffer;
  /** For hashes of stream keys. */
  readonly hashes: Buffer;
}

/** The secret in use and former ones, with which earlier records can still be read. */
const MAX_SECRETS = 3;
const KEY_BYTES = 32;

/**
 * Keys of the fleet that are not in Redis: each node derives them from JWT_SECRET, which all nodes have; without a
 * callback there are none. The secret may change while the node runs.
 */
export class FleetKeys {
  #keys: readonly DerivedKeys[] = [];
  readonly #followers = new Set<() => void>();

  /** The keys of the secret in use; undefined when there is no secret, or it is not known yet. */
  get current(): DerivedKeys | undefined {
    return this.#keys[0];
  }

  /** Newest first. */
  get all(): readonly DerivedKeys[] {
    return this.#keys;
  }

  /** From now on, this is the secret in use. */
  use(secret: string): void {
    const keys = derive(secret);
    if (keys.id === this.current?.id) return;
    this.#keys = [keys, ...this.#keys.filter(({ id }) => id !== keys.id)].slice(0, MAX_SECRETS);
    for (const follower of this.#followers) follower();
  }

  /** Adds a former secret. */
  accept(former: string): void {
    const keys = derive(former);
    if (this.#keys.some(({ id }) => id === keys.id)) return;
    this.#keys = [...this.#keys, keys].slice(0, MAX_SECRETS);
  }

  /** Calls back whenever the secret in use changes. */
  onChange(follower: () => void): void {
    this.#followers.add(follower);
  }
}

function derive(secret: string): DerivedKeys {
  const key = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, '', `rtmp-fleet ${purpose}`, KEY_BYTES));
  const id = createHash('sha256').update(key('key id')).digest('base64url').slice(0, 11);
  return { id, records: key('records'), tokens: key('relay tokens'), hashes: key('stream key hashes') };
}
