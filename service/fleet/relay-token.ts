import { jwtVerify, SignJWT } from 'jose';

const SUBJECT = 'rtmp-relay';
const LIFETIME_SECONDS = 30;
/** Nodes' clocks may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 10;

/** Lets a node play a channel from another one: short-lived, for one channel, signed with the fleet's own secret. */
export class RelayTokens {
  #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  use(secret: Uint8Array): void {
    this.#secret = secret;
  }

  sign(channel: string): Promise<string> {
    const expires = Math.floor(Date.now() / 1000) + LIFETIME_SECONDS;
    return new SignJWT({ channel })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(SUBJECT)
      .setIssuedAt()
      .setExpirationTime(expires)
      .sign(this.#secret);
  }

  /** Whether the token allows playing this channel now. Never rejects. */
  async verify(token: string, channel: string): Promise<boolean> {
    try {
      const options = { algorithms: ['HS256'], subject: SUBJECT, clockTolerance: CLOCK_TOLERANCE_SECONDS };
      const { payload } = await jwtVerify(token, this.#secret, { ...options, requiredClaims: ['exp'] });
      return payload.channel === channel;
    } catch {
      return false;
    }
  }
}
