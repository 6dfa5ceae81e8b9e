import type { Environment } from './environment';
import type { CallbackConfig } from './service-config';

/** Whom to ask about publishers. An unsigned question would let anyone pose as this server, hence JWT_SECRET. */
export function readCallbackSettings(env: Environment, trustedCa: string | undefined): CallbackConfig | undefined {
  const timeoutSeconds = env.integer('CALLBACK_TIMEOUT_SECONDS', { min: 1, max: 300, fallback: 10 });
  const address = env.text('CALLBACK_URL');
  if (address === undefined) return undefined;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    env.fault('CALLBACK_URL', 'an http:// or https:// URL');
  }
  const jwtSecret = env.text('JWT_SECRET');
  if (jwtSecret === undefined) {
    env.fault('JWT_SECRET', 'the secret shared with the callback handler; CALLBACK_URL needs one');
  }
  if (url === undefined || jwtSecret === undefined) return undefined;
  return {
    url,
    jwtSecret,
    subject: env.text('CUSTOM_JWT_SUBJECT') ?? 'rtmp_event',
    timeoutMs: timeoutSeconds * 1000,
    trustedCa,
  };
}
