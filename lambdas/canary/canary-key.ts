import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { secretField, SecretFormatError } from '../../service/aws/secret-text';
import type { TestChannel } from '../../service/round-trip/round-trip';
import { isStreamName } from '../shared/stream-names';

/** The channel that is reserved for the canary, and its keys. */
export type CanaryKey = TestChannel;

/**
 * Reads the canary's channel and keys; called for every run, so that a rotated key is used at once.
 * @throws SecretFormatError, or Secrets Manager's error.
 */
export async function readCanaryKey(client: SecretsManagerClient, secretArn: string): Promise<CanaryKey> {
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }));
  const channel = secretField(SecretString, 'channel');
  const key = secretField(SecretString, 'key');
  if (!isStreamName(channel) || !isStreamName(key)) {
    throw new SecretFormatError('the secret must be a JSON object with the names "channel" and "key"');
  }
  return { channel, key, playKey: playKeyOf(SecretString) ?? key };
}

function playKeyOf(secretString: string | undefined): string | undefined {
  const { playKey } = JSON.parse(secretString ?? '{}') as Record<string, unknown>;
  return isStreamName(playKey) ? playKey : undefined;
}
