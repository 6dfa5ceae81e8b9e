import { X509Certificate } from 'node:crypto';
import { describeFileError } from './config-error';
import type { Environment } from './environment';
import type { ReadFile } from './environment';
import { declareStoredSecret, readStoredSecret, type StoredSecret } from './stored-secret';

export interface RedisConfig {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  /** The password itself, or where it is stored. */
  readonly password: string | StoredSecret | undefined;
  /**
   * Present for TLS; `ca` is the PEM text of REDIS_TLS_CA, or of all trusted authorities where SSL_CERT_FILE is set.
   */
  readonly tls: { readonly ca: string | undefined } | undefined;
  readonly channel: string;
}

/** The Redis that commands come from; undefined unless REDIS_USE is YES. */
export function readRedisSettings(
  env: Environment,
  readFile: ReadFile,
  trustedCa: string | undefined,
): RedisConfig | undefined {
  const used = env.flag('REDIS_USE', false);
  const secured = env.flag('REDIS_TLS', false);
  const host = env.host('REDIS_HOST') ?? '127.0.0.1';
  const port = env.integer('REDIS_PORT', { min: 1, max: 65_535, fallback: 6379 });
  declareStoredSecret(env, 'REDIS_PASSWORD');
  env.knows('REDIS_USERNAME', 'REDIS_TLS_CA', 'REDIS_CHANNEL');
  if (!used) return undefined;
  return {
    host,
    port,
    username: env.text('REDIS_USERNAME'),
    password: readStoredSecret(env, 'REDIS_PASSWORD', 'password') ?? env.text('REDIS_PASSWORD'),
    tls: secured ? { ca: readRedisCa(env, readFile) ?? trustedCa } : undefined,
    channel: env.text('REDIS_CHANNEL') ?? 'rtmp_commands',
  };
}

function readRedisCa(env: Environment, readFile: ReadFile): string | undefined {
  const path = env.text('REDIS_TLS_CA');
  if (path === undefined) return undefined;
  const allowed = 'the path of a readable PEM file of certificate authorities';
  try {
    const pem = readFile(path);
    if (isCertificate(pem)) return pem.toString('utf8');
    env.fault('REDIS_TLS_CA', allowed, 'the file is not a PEM certificate');
  } catch (error) {
    env.fault('REDIS_TLS_CA', allowed, describeFileError(error));
  }
  return undefined;
}

function isCertificate(pem: Buffer): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
