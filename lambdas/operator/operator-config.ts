import { LambdaEnv, type EnvironmentVariables } from '../shared/lambda-env';

export interface OperatorConfig {
  readonly redis: RedisAddress;
  /** Absent: the server asks for no password. */
  readonly passwordArn: string | undefined;
  /** Name of the command channel that the service subscribes to. */
  readonly channel: string;
  readonly auditTableName: string;
}

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  /** Present for TLS; `ca` is the PEM text of a private authority. */
  readonly tls: { readonly ca: string | undefined } | undefined;
}

/** @throws EnvironmentError listing every bad variable. */
export function loadOperatorConfig(variables: EnvironmentVariables): OperatorConfig {
  const env = new LambdaEnv(variables);
  const tls = env.flag('REDIS_TLS', true);
  const ca = env.optionalFile('REDIS_TLS_CA');
  const config: OperatorConfig = {
    redis: {
      host: env.required('REDIS_HOST'),
      port: env.integer('REDIS_PORT', { min: 1, max: 65_535, fallback: 6379 }),
      username: env.optional('REDIS_USERNAME'),
      tls: tls ? { ca } : undefined,
    },
    passwordArn: env.optional('REDIS_PASSWORD_ARN'),
    channel: env.optional('REDIS_CHANNEL') ?? 'rtmp_commands',
    auditTableName: env.required('AUDIT_TABLE_NAME'),
  };
  env.assertValid();
  return Object.freeze(config);
}
