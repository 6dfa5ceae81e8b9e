import { errors, jwtVerify } from 'jose';
import { streamEventOf, type StreamEvent } from './event-claims';
import type { SecretVersions } from './secret-versions';

export type TokenVerdict =
  | { readonly valid: true; readonly event: StreamEvent }
  /** `fault` is for the log, never for the caller. */
  | { readonly valid: false; readonly fault: string };

const MAX_TOKEN_LENGTH = 8192;
/** The nodes' clocks may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 5;

type Attempt = TokenVerdict | 'other secret';

/**
 * Verifies `rtmp-event` tokens: HS256 with any live version of the signing secret, the agreed subject, an expiry. If no
 * known version made the signature, the secret is read again once, so that a version staged a moment ago is accepted.
 */
export class EventTokenVerifier {
  readonly #encoder = new TextEncoder();

  constructor(
    private readonly secrets: SecretVersions,
    private readonly subject: string,
  ) {}

  /** @throws when the secret has not been read yet and cannot be read now. */
  async verify(token: string | undefined): Promise<TokenVerdict> {
    if (token === undefined || token === '') return { valid: false, fault: 'missing' };
    if (token.length > MAX_TOKEN_LENGTH) return { valid: false, fault: 'too long' };
    const known = await this.secrets.values();
    let outcome = await this.#tryAll(token, known);
    if (outcome === 'other secret') {
      const fresh = (await this.secrets.refetch()) ?? [];
      outcome = await this.#tryAll(
        token,
        fresh.filter((secret) => !known.includes(secret)),
      );
    }
    return outcome === 'other secret' ? { valid: false, fault: 'bad signature' } : outcome;
  }

  async #tryAll(token: string, secrets: readonly string[]): Promise<Attempt> {
    for (const secret of secrets) {
      const outcome = await this.#tryOne(token, secret);
      if (outcome !== 'other secret') return outcome;
    }
    return 'other secret';
  }

  async #tryOne(token: string, secret: string): Promise<Attempt> {
    try {
      const { payload } = await jwtVerify(token, this.#encoder.encode(secret), {
        algorithms: ['HS256'],
        subject: this.subject,
        requiredClaims: ['exp'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      });
      const event = streamEventOf(payload);
      return event === undefined ? { valid: false, fault: 'unusable claims' } : { valid: true, event };
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) return 'other secret';
      if (error instanceof errors.JOSEError) return { valid: false, fault: error.code };
      throw error;
    }
  }
}
