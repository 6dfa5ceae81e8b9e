import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { readSecretField } from '../shared/secret-value';

/** The current password, read anew for every command: they are rare, and it may have been rotated since the last. */
export async function readRedisPassword(
  client: SecretsManagerClient,
  secretArn: string | undefined,
): Promise<string | undefined> {
  if (secretArn === undefined) return undefined;
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }));
  return readSecretField(SecretString, 'password');
}
