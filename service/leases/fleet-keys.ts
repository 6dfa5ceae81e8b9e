import { createHash, hkdfSync } from 'node:crypto';

/** Keys that one secret stands for. */
export interface DerivedKeys {
  /** Tells which secret it was, without telling anything of it. */
  readonly id: string;
  /** 32 bytes for AES-256, and for HMAC-SHA-256. */
  readonly records: Buffer;
  readonly tokens: Buffer;
  /** For hashes of stream keys. */
  readonly hashes: Buffer;
}

/** The one in use, and those before it: what was sealed with them is read again. */
const MAX_SECRETS = 3;
const KEY_BYTES = 32;

/**
 * Keys of the fleet that do not lie in Redis: each node derives them from JWT_SECRET, which all nodes have, or none when
 * there is no callback. The secret may change while the node runs.
 */
export class FleetKeys {
  #keys: readonly DerivedKeys[] = [];
  readonly #followers = new Set<() => void>();

  /** Those of the secret in use; undefined when there is none, or it is not known yet. */
  get current(): DerivedKeys | undefined {
    return this.#keys[0];
  }

  /** Newest first. */
  get all(): readonly DerivedKeys[] {
    return this.#keys;
  }

  /** From now on this is the secret. */
  use(secret: string): void {
    const keys = derive(secret);
    if (keys.id === this.current?.id) return;
    this.#keys = [keys, ...this.#keys.filter(({ id }) => id !== keys.id)].slice(0, MAX_SECRETS);
    for (const follower of this.#followers) follower();
  }

  /** This was the secret once. */
  accept(former: string): void {
    const keys = derive(former);
    if (this.#keys.some(({ id }) => id === keys.id)) return;
    this.#keys = [...this.#keys, keys].slice(0, MAX_SECRETS);
  }

  /** Calls back whenever another secret is in use. */
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
