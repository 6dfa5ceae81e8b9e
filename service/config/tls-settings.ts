import { CertificatePairError, checkCertificatePair } from './certificate-pair';
import { describeFileError } from './config-error';
import type { Environment } from './environment';
import type { ReadFile } from './environment';
import { readStoredSecret, type StoredSecret } from './stored-secret';

export interface TlsConfig {
  /** 0: any free port. */
  readonly port: number;
  /** undefined: all interfaces, dual stack. */
  readonly bindAddress: string | undefined;
  readonly cert: PemLocation;
  readonly key: PemLocation;
  /** How often both are read again. */
  readonly reloadCheckMs: number;
}

/** A file's path, or a secret. */
export type PemLocation = string | StoredSecret;

/**
 * RTMPS is on when certificate and key are named, each by a file (SSL_CERT, SSL_KEY) or a secret (SSL_CERT_ARN,
 * SSL_KEY_ARN). Files are checked now, because a listener that refuses every handshake is harder to find than a
 * service that does not start; secrets when they are first read. One of the two alone leaves RTMPS off.
 */
export function readTlsSettings(
  env: Environment,
  readFile: ReadFile,
  rtmpBindAddress: string | undefined,
): TlsConfig | undefined {
  const bindAddress = env.host('SSL_BIND_ADDRESS') ?? rtmpBindAddress;
  const port = env.integer('SSL_PORT', { min: 0, max: 65_535, fallback: 443 });
  const reloadSeconds = env.integer('SSL_CHECK_RELOAD_SECONDS', { min: 1, max: 86_400, fallback: 60 });
  const cert = readStoredSecret(env, 'SSL_CERT', 'cert') ?? env.text('SSL_CERT');
  const key = readStoredSecret(env, 'SSL_KEY', 'key') ?? env.text('SSL_KEY');
  if (cert === undefined || key === undefined) {
    if (cert !== undefined) env.warn('RTMPS is off: SSL_CERT is set but SSL_KEY is not');
    if (key !== undefined) env.warn('RTMPS is off: SSL_KEY is set but SSL_CERT is not');
    return undefined;
  }
  const certPem = typeof cert === 'string' ? readPem(env, 'SSL_CERT', cert, readFile) : undefined;
  const keyPem = typeof key === 'string' ? readPem(env, 'SSL_KEY', key, readFile) : undefined;
  if (certPem !== undefined && keyPem !== undefined) checkPair(env, certPem, keyPem);
  return { port, bindAddress, cert, key, reloadCheckMs: reloadSeconds * 1000 };
}

const ALLOWED = {
  SSL_CERT: 'the path of a readable PEM certificate',
  SSL_KEY: 'the path of the readable PEM private key of that certificate, without a passphrase',
} as const;

function readPem(env: Environment, name: keyof typeof ALLOWED, path: string, readFile: ReadFile): Buffer | undefined {
  try {
    return readFile(path);
  } catch (error) {
    env.fault(name, ALLOWED[name], describeFileError(error));
    return undefined;
  }
}

function checkPair(env: Environment, cert: Buffer, key: Buffer): void {
  try {
    const { validTo } = checkCertificatePair({ cert, key });
    if (validTo.getTime() < Date.now()) env.warn(`the certificate of SSL_CERT expired on ${validTo.toISOString()}`);
  } catch (error) {
    if (!(error instanceof CertificatePairError)) throw error;
    const name = error.part === 'certificate' ? 'SSL_CERT' : 'SSL_KEY';
    env.fault(name, ALLOWED[name], `the file ${error.message}`);
  }
}
