import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

/** PEM texts as TLS needs them: the certificate followed by its chain, and the private key. */
export interface CertificatePair {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

export interface CheckedCertificate {
  readonly secureContext: SecureContext;
  readonly subject: string;
  readonly validTo: Date;
}

/** A pair that TLS cannot use. `part` says which of the two files to look at. */
export class CertificatePairError extends Error {
  override readonly name = 'CertificatePairError';

  constructor(
    readonly part: 'certificate' | 'key',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Checks everything that could make a handshake fail later: both can be parsed, they belong together, OpenSSL accepts
 * them. TLS 1.2 is the oldest version offered.
 *
 * @throws CertificatePairError
 */
export function checkCertificatePair({ cert, key }: CertificatePair): CheckedCertificate {
  const certificate = attempt('certificate', 'is not a PEM certificate', () => new X509Certificate(cert));
  const privateKey = attempt('key', 'is not a PEM private key without a passphrase', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new CertificatePairError('key', 'is the private key of another certificate');
  }
  const secureContext = attempt('certificate', 'is not accepted for TLS', () =>
    createSecureContext({ cert, key, minVersion: 'TLSv1.2' }),
  );
  return { secureContext, subject: certificate.subject, validTo: new Date(certificate.validTo) };
}

function attempt<T>(part: CertificatePairError['part'], message: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new CertificatePairError(part, message, { cause });
  }
}
