import { OperatorError } from '../../errors/operator-error';
import type { SecretsManager } from '../../aws/secrets-manager';
import type { TlsConfig } from '../../config/tls-settings';
import type { Logger } from '../../logging/logger';
import { certificateSource } from './certificate-source';
import { CertificateStore } from './certificate-store';
import { TlsTermination } from './tls-termination';

/** How long the start waits for a certificate whose secret cannot be read yet. Files have been checked before. */
const PATIENCE_MS = 30_000;

export interface OpenTls {
  readonly termination: TlsTermination;
  /** Stops following the certificate. */
  close(): void;
}

/**
 * TLS with the configured certificate, which is reloaded when it changes.
 *
 * @throws OperatorError when the certificate cannot be read or used
 */
export async function openTls(config: TlsConfig, secrets: SecretsManager, log: Logger): Promise<OpenTls> {
  const store = await CertificateStore.open({
    source: certificateSource(config.cert, config.key, secrets),
    reloadCheckMs: config.reloadCheckMs,
    patienceMs: PATIENCE_MS,
    log,
  }).catch((cause: unknown) => {
    throw new OperatorError(`RTMPS cannot start, its certificate cannot be used: ${String(cause)}`, { cause });
  });
  const termination = new TlsTermination(store.current.pair);
  store.onChange(({ pair }) => termination.use(pair));
  return { termination, close: () => store.close() };
}
