import { createDynamoDbClient, createSecretsManagerClient } from '../shared/aws-clients';
import { LambdaEnv, type EnvironmentVariables } from '../shared/lambda-env';
import type { LambdaLogger } from '../shared/lambda-logger';
import { SecretVersions } from '../shared/secret-versions';
import { KeyStore } from './key-store';
import type { KeysDependencies } from './keys-commands';

const PEPPER_CACHE_MS = 60_000;

/**
 * The table and the pepper that TABLE_NAME and KEY_PEPPER_ARN name, on AWS or where AWS_ENDPOINT_URL_* point.
 * @throws EnvironmentError listing every bad variable.
 */
export function connectKeys(variables: EnvironmentVariables, log: LambdaLogger): KeysDependencies {
  const env = new LambdaEnv(variables);
  const tableName = env.required('TABLE_NAME');
  const pepperArn = env.required('KEY_PEPPER_ARN');
  env.assertValid();
  return {
    store: new KeyStore(createDynamoDbClient(), tableName),
    pepper: new SecretVersions({
      client: createSecretsManagerClient(),
      secretId: pepperArn,
      field: 'secret',
      stages: ['AWSCURRENT'],
      log,
      maxAgeMs: PEPPER_CACHE_MS,
    }),
  };
}
