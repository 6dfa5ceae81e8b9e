import { randomBytes } from 'node:crypto';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { LambdaLogger } from '../../lambdas/shared/lambda-logger';
import { RotationRefused } from '../../lambdas/rotate-secret/rotation-event';
import type { RotationEvent } from '../../lambdas/rotate-secret/rotation-event';
import { rotationState } from '../../lambdas/rotate-secret/rotation-state';
import type { CacheUsersApi } from './cache-users-api';

export interface PasswordRotationDependencies {
  readonly client: SecretsManagerClient;
  readonly users: Pick<CacheUsersApi, 'describe' | 'setPasswords'>;
  /** The cache's user whose password a secret holds: secret ARN -> user id. */
  readonly userOf: ReadonlyMap<string, string>;
  readonly log: LambdaLogger;
  /** How often the cache may be asked whether it knows the new password, and how long to wait in between. */
  readonly attempts: number;
  readonly pauseMs: number;
  readonly sleep: (delayMs: number) => Promise<void>;
}

/** 256 bits as hex: no character in it that ElastiCache could refuse. */
const passwordBytes = 32;

/**
 * Carries out one step of a rotation; every step can be repeated. The new password is added beside the current one,
 * which goes on opening the cache until the next rotation: clients that have it notice nothing.
 * @throws RotationRefused for an event that does not fit, or what AWS answered.
 */
export async function rotatePassword(event: RotationEvent, dependencies: PasswordRotationDependencies): Promise<void> {
  const { secretId, step, token } = event;
  const userId = dependencies.userOf.get(secretId);
  if (userId === undefined) throw new RotationRefused(`${secretId} belongs to no user of the cache`);
  const description = await dependencies.client.send(new DescribeSecretCommand({ SecretId: secretId }));
  const { finished, currentVersionId } = rotationState(description, token);
  if (!finished) {
    if (step === 'createSecret') await createPassword(event, dependencies);
    if (step === 'setSecret') await addToUser(event, userId, dependencies);
    if (step === 'testSecret') await waitUntilKnown(userId, dependencies);
    if (step === 'finishSecret') await makeCurrent(event, currentVersionId, dependencies);
  }
  dependencies.log.info('rotation step done', { secretId, step, versionId: token, alreadyCurrent: finished });
}

async function pendingPassword(
  { secretId, token }: RotationEvent,
  client: SecretsManagerClient,
): Promise<string | undefined> {
  try {
    const wanted = { SecretId: secretId, VersionId: token, VersionStage: 'AWSPENDING' };
    return (await client.send(new GetSecretValueCommand(wanted))).SecretString;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

async function createPassword(event: RotationEvent, { client }: PasswordRotationDependencies): Promise<void> {
  if ((await pendingPassword(event, client)) !== undefined) return;
  await client.send(
    new PutSecretValueCommand({
      SecretId: event.secretId,
      ClientRequestToken: event.token,
      SecretString: randomBytes(passwordBytes).toString('hex'),
      VersionStages: ['AWSPENDING'],
    }),
  );
}

async function addToUser(
  event: RotationEvent,
  userId: string,
  dependencies: PasswordRotationDependencies,
): Promise<void> {
  const { client, users } = dependencies;
  const pending = await pendingPassword(event, client);
  const wanted = { SecretId: event.secretId, VersionStage: 'AWSCURRENT' };
  const current = (await client.send(new GetSecretValueCommand(wanted))).SecretString;
  if (pending === undefined || current === undefined) {
    throw new RotationRefused(`version ${event.token} or the current one has no text value`);
  }
  await users.setPasswords(userId, [pending, current]);
}

async function waitUntilKnown(userId: string, dependencies: PasswordRotationDependencies): Promise<void> {
  const { users, attempts, pauseMs, sleep } = dependencies;
  for (let attempt = 1; ; attempt += 1) {
    const user = await users.describe(userId);
    if (user.status === 'active' && user.passwordCount === 2) return;
    if (attempt === attempts)
      throw new RotationRefused(`${userId} is still ${user.status}: the old password stays in use`);
    await sleep(pauseMs * (0.5 + Math.random()));
  }
}

async function makeCurrent(
  { secretId, token }: RotationEvent,
  currentVersionId: string,
  { client }: PasswordRotationDependencies,
): Promise<void> {
  await client.send(
    new UpdateSecretVersionStageCommand({
      SecretId: secretId,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: token,
      RemoveFromVersionId: currentVersionId,
    }),
  );
}
