import { CertificatePairError, checkCertificatePair } from './certificate-pair';
import { describeFileError } from './config-error';
import type { Environment } from './environment';
import type { ReadFile, TlsConfig } from './service-config';

/**
 * RTMPS is on when both SSL_CERT and SSL_KEY name a file. Both are checked now, because a listener that refuses every
 * handshake is harder to find than a service that does not start. One of the two alone leaves RTMPS off.
 */
export function readTlsSettings(env: Environment, readFile: ReadFile): TlsConfig | undefined {
  const port = env.integer('SSL_PORT', { min: 0, max: 65_535, fallback: 443 });
  const reloadSeconds = env.integer('SSL_CHECK_RELOAD_SECONDS', { min: 1, max: 86_400, fallback: 60 });
  const certPath = env.text('SSL_CERT');
  const keyPath = env.text('SSL_KEY');
  if (certPath === undefined || keyPath === undefined) {
    if (certPath !== undefined) env.warn('RTMPS is off: SSL_CERT is set but SSL_KEY is not');
    if (keyPath !== undefined) env.warn('RTMPS is off: SSL_KEY is set but SSL_CERT is not');
    return undefined;
  }
  const cert = readPem(env, 'SSL_CERT', certPath, readFile);
  const key = readPem(env, 'SSL_KEY', keyPath, readFile);
  if (cert !== undefined && key !== undefined) checkPair(env, cert, key);
  return { port, certPath, keyPath, reloadCheckMs: reloadSeconds * 1000 };
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
