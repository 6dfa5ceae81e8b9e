import { readFile } from 'node:fs/promises';
import type { SecretsManager } from '../../aws/secrets-manager';
import type { CertificatePair } from '../../config/certificate-pair';
import type { PemLocation } from '../../config/tls-settings';

/** Reads the pair at each call. Rejects when it cannot be read right now. */
export type CertificateSource = () => Promise<CertificatePair>;

/** Reads the pair from PEM files, from secrets, or one part from each. */
export function certificateSource(
  cert: PemLocation,
  key: PemLocation,
  secrets: Pick<SecretsManager, 'read' | 'readPair'>,
): CertificateSource {
  if (typeof cert !== 'string' && typeof key !== 'string') {
    return async () => {
      const [certPem, keyPem] = await secrets.readPair(cert, key);
      return { cert: certPem, key: keyPem };
    };
  }
  const read = (from: PemLocation): Promise<string | Buffer> =>
    typeof from === 'string' ? readFile(from) : secrets.read(from);
  return async () => {
    const [certPem, keyPem] = await Promise.all([read(cert), read(key)]);
    return { cert: certPem, key: keyPem };
  };
}
