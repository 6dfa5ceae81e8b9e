import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  UpdateSecretVersionStageCommand,
  type GetSecretValueCommandOutput,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { LambdaLogger } from './lambda-logger';
import { RotationRefused, type RotationEvent } from './rotation-event';
import { rotationState } from './rotation-state';

/** The steps that differ between kinds of secrets. Each may be called repeatedly. */
export interface RotationSteps {
  /** Text of the new version. */
  newText(): string | Promise<string>;
  /** Sets the secret in the system that checks it; absent where there is no such system. */
  set?(): Promise<void>;
  /** Resolves when the new version works; rejects when it does not, and the current version stays in use. */
  test(): Promise<void>;
}

export interface RotationSurroundings {
  readonly client: SecretsManagerClient;
  readonly log: LambdaLogger;
}

/**
 * Carries out one step of a rotation. Every step can be repeated at any time.
 * @throws RotationRefused for a token or stage that does not fit, an error of the secret's own step, or Secrets
 * Manager's error.
 */
export async function carryOutStep(
  event: RotationEvent,
  { client, log }: RotationSurroundings,
  steps: RotationSteps,
): Promise<void> {
  const { secretId, step, token } = event;
  const description = await client.send(new DescribeSecretCommand({ SecretId: secretId }));
  const { finished, currentVersionId } = rotationState(description, token);
  if (!finished) {
    if (step === 'createSecret') await createVersion(event, client, steps);
    if (step === 'setSecret') await steps.set?.();
    if (step === 'testSecret') await steps.test();
    if (step === 'finishSecret') await makeCurrent(event, currentVersionId, client);
  }
  log.info('rotation step done', { secretId, step, versionId: token, alreadyCurrent: finished });
}

/** Text of the pending version; undefined before it has a value. */
export async function pendingVersion(
  { secretId, token }: RotationEvent,
  client: SecretsManagerClient,
): Promise<GetSecretValueCommandOutput | undefined> {
  try {
    const wanted = { SecretId: secretId, VersionId: token, VersionStage: 'AWSPENDING' };
    return await client.send(new GetSecretValueCommand(wanted));
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

/** Text of the version in use; undefined when it is binary. */
export async function currentText(
  { secretId }: RotationEvent,
  client: SecretsManagerClient,
): Promise<string | undefined> {
  const current = await client.send(new GetSecretValueCommand({ SecretId: secretId, VersionStage: 'AWSCURRENT' }));
  return current.SecretString;
}

/** Stores a new value as the version `token`, unless that exists. */
async function createVersion(event: RotationEvent, client: SecretsManagerClient, steps: RotationSteps): Promise<void> {
  if ((await pendingVersion(event, client)) !== undefined) return;
  await client.send(
    new PutSecretValueCommand({
      SecretId: event.secretId,
      ClientRequestToken: event.token,
      SecretString: await steps.newText(),
      VersionStages: ['AWSPENDING'],
    }),
  );
}

/** @throws RotationRefused for a version without a value, with which nobody could do anything. */
async function makeCurrent(
  event: RotationEvent,
  currentVersionId: string,
  client: SecretsManagerClient,
): Promise<void> {
  const { secretId, token } = event;
  if ((await pendingVersion(event, client)) === undefined) throw new RotationRefused(`version ${token} has no value`);
  await client.send(
    new UpdateSecretVersionStageCommand({
      SecretId: secretId,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: token,
      RemoveFromVersionId: currentVersionId,
    }),
  );
}
