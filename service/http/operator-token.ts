import { SecretSource } from '../aws/secret-source';
import { SecretsManager } from '../aws/secrets-manager';
import type { ServiceConfig } from '../config/service-config';
import type { Logger } from '../logging/logger';

/** OPERATOR_TOKEN, or the secret of OPERATOR_TOKEN_ARN. */
export interface OperatorToken {
  /** undefined: not set, or not read yet. */
  current(): string | undefined;
  close(): void;
}

export function openOperatorToken(
  { http, secretRefreshMs }: Pick<ServiceConfig, 'http' | 'secretRefreshMs'>,
  log: Logger,
): OperatorToken {
  const token = http?.operatorToken;
  if (typeof token !== 'object') return { current: () => token, close: () => undefined };
  const secrets = new SecretsManager();
  const read = (): Promise<string> => secrets.read(token);
  const source = new SecretSource({ name: 'OPERATOR_TOKEN_ARN', read, refreshMs: secretRefreshMs, log });
  let current: string | undefined;
  source.follow((text) => (current = text));
  return {
    current: () => current,
    close() {
      source.close();
      secrets.close();
    },
  };
}
