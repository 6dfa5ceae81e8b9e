import type { WhenBusy } from '../shared/channel-policy';
import { LambdaEnv, type EnvironmentVariables } from '../shared/lambda-env';

export interface CallbackConfig {
  readonly tableName: string;
  readonly jwtSecretArn: string;
  readonly keyPepperArn: string;
  /** Required subject of the event tokens. */
  readonly jwtSubject: string;
  readonly sessionTtlSeconds: number;
  /** For channels without their own setting. */
  readonly whenBusyDefault: WhenBusy;
  /** How long secrets are used from memory; the rotation waits this long for every warm copy. */
  readonly secretCacheMs: number;
}

/** @throws EnvironmentError listing every bad variable. */
export function loadCallbackConfig(variables: EnvironmentVariables): CallbackConfig {
  const env = new LambdaEnv(variables);
  const config: CallbackConfig = {
    tableName: env.required('TABLE_NAME'),
    jwtSecretArn: env.required('JWT_SECRET_ARN'),
    keyPepperArn: env.required('KEY_PEPPER_ARN'),
    jwtSubject: env.optional('JWT_SUBJECT') ?? 'rtmp_event',
    sessionTtlSeconds: env.integer('SESSION_TTL_DAYS', { min: 1, max: 3650, fallback: 90 }) * 86_400,
    whenBusyDefault: env.choice<WhenBusy>('TAKEOVER_DEFAULT', ['takeover', 'reject'], 'takeover'),
    secretCacheMs: env.integer('SECRET_CACHE_SECONDS', { min: 1, max: 300, fallback: 60 }) * 1000,
  };
  env.assertValid();
  return Object.freeze(config);
}
