import type { Environment } from './environment';
import { declareStoredSecret, readStoredSecret, type StoredSecret } from './stored-secret';

/** How requests are signed for AWS: not at all, or with Signature Version 4 under the service's role. */
type CallbackAuth = 'none' | 'sigv4';

export interface CallbackConfig {
  readonly url: URL;
  /** Signs the tokens: the secret itself, or where it is stored. */
  readonly jwtSecret: string | StoredSecret;
  readonly subject: string;
  readonly timeoutMs: number;
  /** How long an undelivered stop is retried. */
  readonly stopRetryMs: number;
  /** Present when requests are signed for AWS: the region of the function. */
  readonly sigv4: { readonly region: string } | undefined;
  /** PEM of all authorities to trust instead of node's own; absent: node's own. */
  readonly trustedCa?: string | undefined;
}

/** RFC 7518, 3.2: HS256 needs a key of at least the hash's size; a shorter key can be guessed from a single token. */
const MIN_SECRET_BYTES = 32;
const LOOPBACK_HOST = /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/;

const FUNCTION_URL_HOST = /\.lambda-url\.([a-z0-9-]+)\.on\.aws$/;

/**
 * The callback that decides on publishers. JWT_SECRET is required: without a signature, anyone could pose as this
 * server.
 */
export function readCallbackSettings(env: Environment, trustedCa: string | undefined): CallbackConfig | undefined {
  const timeoutSeconds = env.integer('CALLBACK_TIMEOUT_SECONDS', { min: 1, max: 300, fallback: 10 });
  const stopRetryHours = env.integer('STOP_RETRY_HOURS', { min: 1, max: 720, fallback: 24 });
  const auth = env.choice<CallbackAuth>('CALLBACK_AUTH', ['none', 'sigv4'], 'none');
  const address = env.text('CALLBACK_URL');
  declareStoredSecret(env, 'JWT_SECRET');
  env.knows('CUSTOM_JWT_SUBJECT', 'AWS_REGION', 'AWS_DEFAULT_REGION');
  if (address === undefined) {
    warnOfUnusedSecret(env);
    return undefined;
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    env.fault('CALLBACK_URL', 'an http:// or https:// URL');
  }
  const jwtSecret = readJwtSecret(env);
  if (url === undefined || jwtSecret === undefined) return undefined;
  warnOfWeakness(env, url, jwtSecret);
  return {
    url,
    jwtSecret,
    subject: env.text('CUSTOM_JWT_SUBJECT') ?? 'rtmp_event',
    timeoutMs: timeoutSeconds * 1000,
    stopRetryMs: stopRetryHours * 3_600_000,
    sigv4: auth === 'sigv4' ? { region: readSigningRegion(env, url) } : undefined,
    trustedCa,
  };
}

/** A secret without CALLBACK_URL is probably a mistake. */
function warnOfUnusedSecret(env: Environment): void {
  const name = ['JWT_SECRET', 'JWT_SECRET_ARN'].find((candidate) => env.text(candidate) !== undefined);
  if (name !== undefined) env.warn(`${name} is not used: without CALLBACK_URL everybody may publish`);
}

function warnOfWeakness(env: Environment, url: URL, jwtSecret: string | StoredSecret): void {
  if (typeof jwtSecret === 'string' && Buffer.byteLength(jwtSecret) < MIN_SECRET_BYTES) {
    env.warn(
      `JWT_SECRET is shorter than ${MIN_SECRET_BYTES} bytes: anybody who sees one token can try to guess the secret`,
    );
  }
  if (url.protocol === 'http:' && !LOOPBACK_HOST.test(url.hostname)) {
    env.warn('CALLBACK_URL is http:// to another host: anybody who sees that traffic can read the stream keys in it');
  }
}

function readJwtSecret(env: Environment): string | StoredSecret | undefined {
  const text = env.text('JWT_SECRET');
  const stored = readStoredSecret(env, 'JWT_SECRET', 'secret');
  if (text === undefined && env.text('JWT_SECRET_ARN') === undefined) {
    env.fault('JWT_SECRET', 'the secret shared with the callback handler; CALLBACK_URL needs one');
  }
  return stored ?? text;
}

/** The host of a Function URL names its region; with another host name, AWS_REGION has to. */
function readSigningRegion(env: Environment, url: URL): string {
  if (url.username !== '' || url.password !== '') {
    env.fault('CALLBACK_AUTH', 'none with credentials in CALLBACK_URL', 'a request has one Authorization header only');
  }
  const region = FUNCTION_URL_HOST.exec(url.hostname)?.[1] ?? env.text('AWS_REGION') ?? env.text('AWS_DEFAULT_REGION');
  if (region === undefined) {
    env.fault('AWS_REGION', 'the region of the callback function; CALLBACK_AUTH=sigv4 needs it and the URL has none');
  }
  return region ?? '';
}
