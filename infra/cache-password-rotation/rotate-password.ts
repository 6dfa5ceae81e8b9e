import { randomBytes } from 'node:crypto';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { LambdaLogger } from '../../lambdas/shared/lambda-logger';
import { RotationRefused } from '../../lambdas/rotate-secret/rotation-event';
import type { RotationEvent } from '../../lambdas/rotate-secret/rotation-event';
import { carryOutStep, currentText, pendingVersion } from '../../lambdas/rotate-secret/secret-rotation';
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
  const userId = dependencies.userOf.get(event.secretId);
  if (userId === undefined) throw new RotationRefused(`${event.secretId} belongs to no user of the cache`);
  await carryOutStep(event, dependencies, {
    newText: () => randomBytes(passwordBytes).toString('hex'),
    set: () => addToUser(event, userId, dependencies),
    test: () => waitUntilKnown(userId, dependencies),
  });
}

async function addToUser(
  event: RotationEvent,
  userId: string,
  dependencies: PasswordRotationDependencies,
): Promise<void> {
  const { client, users } = dependencies;
  const pending = (await pendingVersion(event, client))?.SecretString;
  const current = await currentText(event, client);
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
