import { LambdaEnv, type EnvironmentVariables } from '../shared/lambda-env';

export interface RotationConfig {
  readonly callbackUrl: URL;
  /** `sigv4`: the callback is a Function URL that admits IAM callers only. */
  readonly callbackAuth: 'sigv4' | 'none';
  readonly jwtSubject: string;
  /** How long the callback may take to accept the new secret before the rotation fails. */
  readonly probeTimeoutMs: number;
  /** How long a warm copy of the callback may not know a version after it was created (ms). */
  readonly settleMs: number;
}

/** Allowance for the difference between Secrets Manager's clock and this one. */
const CLOCK_MARGIN_SECONDS = 3;
/** Time for failing probes between the last warm copy's new read and the time-out. */
const MIN_PROBING_SECONDS = 10;

/** @throws EnvironmentError listing every bad variable. */
export function loadRotationConfig(variables: EnvironmentVariables): RotationConfig {
  const env = new LambdaEnv(variables);
  // The same variable, with the same default, as the callback has.
  const cacheSeconds = env.integer('SECRET_CACHE_SECONDS', { min: 1, max: 300, fallback: 60 });
  const timeoutSeconds = env.integer('PROBE_TIMEOUT_SECONDS', { min: 1, max: 840, fallback: 180 });
  if (timeoutSeconds < cacheSeconds + MIN_PROBING_SECONDS) {
    env.fault(
      `PROBE_TIMEOUT_SECONDS is ${timeoutSeconds}, must be ${MIN_PROBING_SECONDS} more than SECRET_CACHE_SECONDS (${cacheSeconds})`,
    );
  }
  const config: RotationConfig = {
    callbackUrl: env.httpUrl('CALLBACK_URL'),
    callbackAuth: env.choice<'sigv4' | 'none'>('CALLBACK_AUTH', ['sigv4', 'none'], 'sigv4'),
    jwtSubject: env.optional('JWT_SUBJECT') ?? 'rtmp_event',
    probeTimeoutMs: timeoutSeconds * 1000,
    settleMs: (cacheSeconds + CLOCK_MARGIN_SECONDS) * 1000,
  };
  env.assertValid();
  return Object.freeze(config);
}
