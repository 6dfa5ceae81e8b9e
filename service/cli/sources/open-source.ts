import { readFileSync } from 'node:fs';
import { withDotenvFile } from '../../config/dotenv-file';
import { Environment, type EnvironmentValues } from '../../config/environment';
import { withQuickStartPort } from '../../config/quick-start';
import { readRedisSettings, type RedisConfig } from '../../config/redis-settings';
import { readTrustedAuthorities } from '../../config/trusted-authorities';
import { SecretsManager } from '../../aws/secrets-manager';
import type { SourceChoice } from '../command-line/command-line';
import { AwsSource } from './aws-source';
import type { FleetSource } from './fleet-source';
import { NodeSource } from './node-source';
import { RedisSource } from './redis-source';

/**
 * @param processEnv the variables of the process; a `.env` file in the working directory completes them
 * @throws ConfigError, CommandFailure when the settings or the choice cannot be used
 */
export async function openSource(choice: SourceChoice, processEnv: EnvironmentValues): Promise<FleetSource> {
  if (choice.kind === 'aws') return new AwsSource(choice.stack);
  const env = withDotenvFile(processEnv, () => undefined);
  if (choice.kind === 'redis') return new RedisSource(await redisOf(env));
  const { HTTP_PORT: port = '', OPERATOR_TOKEN } = withQuickStartPort(env);
  return new NodeSource({
    url: choice.url ?? `http://127.0.0.1:${port}`,
    token: OPERATOR_TOKEN === '' ? undefined : OPERATOR_TOKEN,
  });
}

/** The REDIS_* settings, with the password itself. */
async function redisOf(values: EnvironmentValues): Promise<RedisConfig> {
  const env = new Environment({ ...values, REDIS_USE: 'YES' });
  const config = readRedisSettings(env, readFileSync, readTrustedAuthorities(env));
  env.throwIfFaulty();
  if (config === undefined) throw new Error('REDIS_USE is YES');
  if (typeof config.password !== 'object') return config;
  const secrets = new SecretsManager();
  try {
    return { ...config, password: await secrets.read(config.password) };
  } finally {
    secrets.close();
  }
}
