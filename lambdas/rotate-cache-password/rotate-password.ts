import { randomBytes } from 'node:crypto';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { LambdaLogger } from '../shared/lambda-logger';
import { RotationRefused } from '../shared/rotation-event';
import type { RotationEvent } from '../shared/rotation-event';
import { carryOutStep, currentText, pendingVersion } from '../shared/secret-rotation';
import { CacheUsersApiError } from './cache-users-api';
import type { CacheUsersApi } from './cache-users-api';

export interface PasswordRotationDependencies {
  readonly client: SecretsManagerClient;
  readonly users: Pick<CacheUsersApi, 'describe' | 'setPasswords'>;
  /** The cache's user whose password a secret holds: secret ARN -> user id. */
  readonly userOf: ReadonlyMap<string, string>;
  readonly log: LambdaLogger;
  /** How often a step may ask the cache whether it is ready, and the pause in between (ms). */
  readonly attempts: number;
  readonly pauseMs: number;
  readonly sleep: (delayMs: number) => Promise<void>;
}

/** 256 bits as hex, which has no characters that ElastiCache could refuse. */
const passwordBytes = 32;

/**
 * Carries out one step of a rotation; every step can be repeated. The new password is added to the current one, which
 * stays valid until the next rotation: clients that use it notice nothing. The users are in one group, which
 * ElastiCache changes for one user at a time: a step waits for its turn, and until its change is in force.
 * @throws RotationRefused for an event that does not fit, or AWS's error.
 */
export async function rotatePassword(event: RotationEvent, dependencies: PasswordRotationDependencies): Promise<void> {
  const userId = dependencies.userOf.get(event.secretId);
  if (userId === undefined) throw new RotationRefused(`${event.secretId} belongs to no user of the cache`);
  await carryOutStep(event, dependencies, {
    newText: () => randomBytes(passwordBytes).toString('hex'),
    set: () => addToUser(event, userId, dependencies),
    test: () => waitUntilActive(userId, dependencies),
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
  await attempt(dependencies, `${userId} cannot be changed`, async () => {
    if ((await users.describe(userId)).status !== 'active') return false;
    try {
      await users.setPasswords(userId, [pending, current]);
    } catch (error) {
      if (error instanceof CacheUsersApiError && error.isBusy) return false;
      throw error;
    }
    return true;
  });
  await attempt(dependencies, `${userId} does not know both passwords`, async () => {
    const user = await users.describe(userId);
    return user.status === 'active' && user.passwordCount === 2;
  });
}

/**
 * The previous step has verified that the cache accepts the password. Secrets Manager also runs this step alone when a
 * schedule is created: then the user has only its first password, and only its existence can be checked.
 */
async function waitUntilActive(userId: string, dependencies: PasswordRotationDependencies): Promise<void> {
  await attempt(dependencies, `${userId} is not active`, async () => {
    return (await dependencies.users.describe(userId)).status === 'active';
  });
}

/** Asks again until the answer is yes. @throws RotationRefused when all attempts fail: the old password stays. */
async function attempt(
  { attempts, pauseMs, sleep }: PasswordRotationDependencies,
  fault: string,
  ready: () => Promise<boolean>,
): Promise<void> {
  for (let number = 1; !(await ready()); number += 1) {
    if (number === attempts) throw new RotationRefused(`${fault}: the old password stays in use`);
    await sleep(pauseMs * (0.5 + Math.random()));
  }
}
