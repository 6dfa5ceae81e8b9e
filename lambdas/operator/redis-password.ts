import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { secretField } from '../../service/aws/secret-text';

/**
 * The current password, read for every command: commands are rare, and the password may have been rotated meanwhile.
 */
export async function readRedisPassword(
  client: SecretsManagerClient,
  secretArn: string | undefined,
): Promise<string | undefined> {
  if (secretArn === undefined) return undefined;
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }));
  return secretField(SecretString, 'password');
}
