import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ALL_STAGES, SecretVersions, type SecretVersionsOptions } from '../../../lambdas/shared/secret-versions';
import { MemoryLogger } from '../../support/memory-logger';
import { startSecretsManager, type SecretsManagerStandIn } from '../../support/aws/secrets-manager';

let secretsManager: SecretsManagerStandIn;
let secretId: string;
let nowMs: number;
let log: MemoryLogger;

beforeEach(async () => {
  secretsManager = await startSecretsManager();
  secretId = secretsManager.createSecret('jwt', 'first');
  nowMs = 1_000_000;
  log = new MemoryLogger();
});
afterEach(() => secretsManager.stop());

function versions(more: Partial<SecretVersionsOptions> = {}): SecretVersions {
  const options = { client: secretsManager.client, secretId, field: 'secret', stages: ALL_STAGES, log };
  const patienceMs = 60_000;
  return new SecretVersions({
    ...options,
    maxAgeMs: 60_000,
    minRefetchMs: 5_000,
    patienceMs,
    now: () => nowMs,
    ...more,
  });
}

async function put(value: string, stage: string): Promise<void> {
  const command = new PutSecretValueCommand({ SecretId: secretId, SecretString: value, VersionStages: [stage] });
  await secretsManager.client.send(command);
}

test('every live version is known, the pending one first', async () => {
  await put('second', 'AWSCURRENT');
  await put('third', 'AWSPENDING');
  expect(await versions().values()).toEqual(['third', 'second', 'first']);
});

test('what was read serves until it is due, and is then read again', async () => {
  const secret = versions();
  expect(await secret.values()).toEqual(['first']);
  const calls = secretsManager.calls.length;
  await put('second', 'AWSCURRENT');
  nowMs += 59_999;
  expect(await secret.values()).toEqual(['first']);
  expect(secretsManager.calls).toHaveLength(calls + 1);
  nowMs += 1;
  expect(await secret.values()).toEqual(['second', 'first']);
});

test('simultaneous callers share one read', async () => {
  const secret = versions();
  await Promise.all([secret.values(), secret.values(), secret.values()]);
  expect(secretsManager.calls).toHaveLength(ALL_STAGES.length);
});

test('a fresh look can be had at once, but not again and again', async () => {
  const secret = versions();
  await secret.values();
  nowMs += 5_000;
  await put('second', 'AWSPENDING');
  expect(await secret.refetch()).toEqual(['second', 'first']);
  expect(await secret.refetch()).toBeUndefined();
  nowMs += 5_000;
  expect(await secret.refetch()).toBeDefined();
});

describe('with Secrets Manager away', () => {
  test('the cached value serves on, and asking goes on at a bounded rate', async () => {
    const secret = versions();
    await secret.values();
    await secretsManager.stop();
    nowMs += 120_000;
    expect(await secret.values()).toEqual(['first']);
    expect(await secret.values()).toEqual(['first']);
    expect(log.matching(/secret could not be read/)).toHaveLength(1);
    nowMs += 5_000;
    expect(await secret.values()).toEqual(['first']);
    expect(log.matching(/secret could not be read/)).toHaveLength(2);
  }, 20_000);

  test('a read that takes too long is not waited for, and serves the next one', async () => {
    const secret = versions({ patienceMs: 0 });
    await secret.values();
    await put('second', 'AWSCURRENT');
    nowMs += 120_000;
    expect(await secret.values()).toEqual(['first']);
    expect(await secret.refetch()).toEqual(['second', 'first']);
  });

  test('nothing is served that was never read', async () => {
    await secretsManager.stop();
    await expect(versions().values()).rejects.toThrow();
  });
});

test('a secret that is not there, or has another form, is an error that does not quote it', async () => {
  await expect(versions({ secretId: 'unknown' }).values()).rejects.toThrow(/find the specified secret/);
  await put('{"password":"hidden"}', 'AWSCURRENT');
  const message = await versions({ field: 'secret' })
    .values()
    .then(
      () => 'read',
      (error: unknown) => String(error),
    );
  expect(message).toContain('without a text field "secret"');
  expect(message).not.toContain('hidden');
});
