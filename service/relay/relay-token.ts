import { jwtVerify, SignJWT } from 'jose';
import type { FleetKeys } from '../leases/fleet-keys';

/** What tokens are for; a token for one purpose is no good for another. */
export type TokenPurpose = 'rtmp-relay' | 'rtmp-api' | 'rtmp-output';

const LIFETIME_SECONDS = 30;
/** Nodes' clocks may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 10;

export interface RelayTokensOptions {
  readonly keys: FleetKeys;
  /** Signs until the fleet's own keys are known; any bytes will do. */
  readonly fallback: Uint8Array;
  readonly self: () => RelayedNode;
  /** Default: `rtmp-relay`. */
  readonly purpose?: TokenPurpose;
}

/** A node as relay tokens name it: one run of its process. */
export interface RelayedNode {
  readonly id: string;
  readonly incarnation: string;
}

/**
 * Tokens that let a node play a channel from another node, or ask it a question of the API: short-lived, for one channel
 * (or the digest of one question) of one run of one node, so that a process which has taken the place of a dead one does
 * not answer for it. Signed with a key that is not in Redis, if
 * nodes have one; otherwise with the fleet's secret, which is in Redis.
 */
export class RelayTokens {
  #fallback: Uint8Array;
  readonly #keys: FleetKeys;
  readonly #self: () => RelayedNode;
  readonly #purpose: TokenPurpose;

  constructor({ keys, fallback, self, purpose = 'rtmp-relay' }: RelayTokensOptions) {
    this.#purpose = purpose;
    this.#keys = keys;
    this.#self = self;
    this.#fallback = fallback;
  }

  /** Sets the fleet's secret. */
  use(secret: Uint8Array): void {
    this.#fallback = secret;
  }

  /** @param node the node that has the channel */
  sign(channel: string, node: RelayedNode): Promise<string> {
    const issuedAt = Math.floor(Date.now() / 1000);
    return new SignJWT({ channel })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(this.#purpose)
      .setAudience([node.id, nameOf(node)])
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + LIFETIME_SECONDS)
      .sign(this.#keys.current?.tokens ?? this.#fallback);
  }

  /** Whether the token allows playing this channel from this node now. Never rejects. */
  async verify(token: string, channel: string): Promise<boolean> {
    const known = this.#keys.all.map(({ tokens }) => tokens);
    for (const key of known.length > 0 ? known : [this.#fallback]) {
      if (await this.#isGood(token, channel, key)) return true;
    }
    return false;
  }

  async #isGood(token: string, channel: string, key: Uint8Array): Promise<boolean> {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['HS256'],
        subject: this.#purpose,
        audience: this.#self().id,
        // The signer cannot make a token valid for longer.
        maxTokenAge: LIFETIME_SECONDS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['exp'],
      });
      // Releases before named the node alone.
      const isForThisRun = !Array.isArray(payload.aud) || payload.aud.includes(nameOf(this.#self()));
      return isForThisRun && payload.channel === channel;
    } catch {
      return false;
    }
  }
}

function nameOf({ id, incarnation }: RelayedNode): string {
  return `${id}/${incarnation}`;
}
