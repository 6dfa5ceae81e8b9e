import type { StoredSecret } from '../config/stored-secret';
import type { Logger } from '../logging/logger';
import { SecretSource } from './secret-source';
import { SecretsManager } from './secrets-manager';

/** A token from the settings, or from Secrets Manager. */
export interface OpenToken {
  /** undefined: not set, or not read yet. */
  current(): string | undefined;
  close(): void;
}

export interface TokenOptions {
  readonly token: string | StoredSecret | undefined;
  /** The variable that names the stored secret, for the log. */
  readonly name: string;
  readonly refreshMs: number;
  readonly log: Logger;
}

export function openToken({ token, name, refreshMs, log }: TokenOptions): OpenToken {
  if (typeof token !== 'object') return { current: () => token, close: () => undefined };
  const secrets = new SecretsManager();
  const source = new SecretSource({ name, read: () => secrets.read(token), refreshMs, log });
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
