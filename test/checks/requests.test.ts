import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CacheUsersApi } from '../../lambdas/rotate-cache-password/cache-users-api';
import { readCanaryKey } from '../../lambdas/canary/canary-key';
import { registerKey } from '../../lambdas/canary/register-key';
import { AuditLog } from '../../lambdas/operator/audit-log';
import { carryOutStep } from '../../lambdas/shared/secret-rotation';
import { ALL_STAGES, SecretVersions } from '../../lambdas/shared/secret-versions';
import { StreamStore } from '../../lambdas/stream-callback/stream-store';
import { KeyStore } from '../../lambdas/stream-keys/key-store';
import { runKeysCommand, type KeysDependencies } from '../../lambdas/stream-keys/keys-commands';
import { parseKeysRequest } from '../../lambdas/stream-keys/keys-request';
import { protectionEndpoint } from '../../service/aws/protection-endpoint';
import { taskLookup } from '../../service/aws/task-lookup';
import { openEventBridge } from '../../service/events/outlets/event-bridge';
import { acceptedEvent } from '../service/events/outlets/sample-events';
import { MemoryLogger } from '../support/memory-logger';
import { Moto, motoPython, sayThatMotoIsMissing } from './moto';

sayThatMotoIsMissing();

(motoPython === undefined ? describe.skip : describe)("requests of the functions, on somebody else's AWS", () => {
  const TableName = 'keys';
  const log = new MemoryLogger();
  let moto: Moto;
  let dynamoDb: DynamoDBClient;
  let secrets: SecretsManagerClient;
  let keys: KeysDependencies;
  let pepperArn: string;

  beforeAll(async () => {
    moto = await Moto.start();
    Object.assign(process.env, moto.environment);
    dynamoDb = new DynamoDBClient();
    secrets = new SecretsManagerClient();
    await dynamoDb.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      }),
    );
    pepperArn = await secret('pepper', 'a-pepper');
    keys = { store: new KeyStore(dynamoDb, TableName), pepper: versionsOf(pepperArn) };
  }, 300_000);

  afterAll(async () => {
    dynamoDb.destroy();
    secrets.destroy();
    await moto.stop();
  });

  async function secret(Name: string, SecretString: string): Promise<string> {
    return (await secrets.send(new CreateSecretCommand({ Name, SecretString }))).ARN ?? '';
  }

  const versionsOf = (secretId: string) =>
    new SecretVersions({
      client: secrets,
      secretId,
      field: 'secret',
      stages: ALL_STAGES,
      log,
      maxAgeMs: 0,
      minRefetchMs: 0,
    });
  const run = (request: object) => runKeysCommand(parseKeysRequest(request), keys);
  const now = new Date();

  test('keys are made once, changed, listed and forgotten', async () => {
    await run({ command: 'create', channel: 'news' });
    await expect(run({ command: 'create', channel: 'news' })).rejects.toThrow('exists already');
    await run({ command: 'rotate', channel: 'news', overlapSeconds: 60 });
    await run({ command: 'set', channel: 'news', policy: { maxBitrateKbps: 5000 } });
    await run({ command: 'disable', channel: 'news' });
    await run({ command: 'release', channel: 'news' });
    expect(await run({ command: 'list' })).toMatchObject({ channels: [{ channel: 'news' }] });
    expect(await run({ command: 'sessions', channel: 'news' })).toMatchObject({ sessions: [] });
    await run({ command: 'delete', channel: 'news' });
    await expect(run({ command: 'show', channel: 'news' })).rejects.toThrow('no channel');
  });

  test('a stream takes its channel, keeps others out and frees it', async () => {
    await run({ command: 'create', channel: 'live' });
    const store = new StreamStore(dynamoDb, TableName, 3600);
    const { record } = await store.read('live', 's-1');
    if (record === undefined) throw new Error('no record');
    const decision = { kind: 'new', record, streamId: 's-1' } as unknown as Parameters<typeof store.hold>[0];
    const stream = { streamId: 's-1', startedAt: now.toISOString(), clientIp: '198.51.100.7', rtmpHost: '10.0.0.5' };
    expect(await store.hold(decision, stream, undefined)).toBe(true);
    expect(await store.hold(decision, { ...stream, streamId: 's-2' }, undefined)).toBe(false);
    await store.recordStart(decision, stream, now);
    const stop = { channel: 'live', streamId: 's-1' } as Parameters<typeof store.end>[0];
    expect(await store.end(stop, now)).toBe(true);
    expect(await store.end(stop, now)).toBe(false);
  });

  test("operators' orders are written down", async () => {
    const entry = {
      request: { command: 'kill', channel: 'news' },
      requestId: randomUUID(),
      answered: 2,
      actedOn: ['a'],
    };
    await new AuditLog(dynamoDb, TableName).write(entry as unknown as Parameters<AuditLog['write']>[0], now);
  });

  test("the canary's key is read and made known", async () => {
    const arn = await secret('canary', JSON.stringify({ channel: 'canary', key: 'a-key-of-the-canary' }));
    const key = await readCanaryKey(secrets, arn);
    await registerKey(key, keys);
    await registerKey({ ...key, key: 'another-key-of-the-canary' }, keys);
    expect(await run({ command: 'show', channel: 'canary' })).toMatchObject({ channel: 'canary' });
  });

  test('a secret is rotated through its stages', async () => {
    const secretId = await secret('jwt', 'first');
    const token = randomUUID();
    // moto's own rotation calls a Lambda function; here the steps are called in its place.
    const client = new SecretsManagerClient();
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const result = await next(args);
        const { commandName } = context as { commandName?: string };
        if (commandName === 'DescribeSecretCommand') Object.assign(result.output, { RotationEnabled: true });
        return result;
      },
      { step: 'initialize' },
    );
    const { PutSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
    const pending = { SecretId: secretId, ClientRequestToken: token, VersionStages: ['AWSPENDING'] };
    await client.send(new PutSecretValueCommand({ ...pending, SecretString: 'second' }));
    const steps = { newText: () => 'never asked for', test: () => Promise.resolve() };
    for (const step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const) {
      await carryOutStep({ secretId, token, step }, { client, log }, steps);
    }
    const current = await client.send(new GetSecretValueCommand({ SecretId: secretId, VersionStage: 'AWSCURRENT' }));
    expect(current.SecretString).toBe('second');
    client.destroy();
  });

  test("the cache's users, the task's standing and its protection: asked for as the models say, though moto has none", async () => {
    const users = new CacheUsersApi(new URL(moto.url), secrets.config);
    await users.setPasswords('rtmp-dev-service', ['a'.repeat(64), 'b'.repeat(64)]).catch(() => undefined);
    await users.describe('rtmp-dev-service').catch(() => undefined);
    const identity = { taskArn: 'arn:aws:ecs:us-east-1:123456789012:task/fleet/0123456789abcdef', cluster: 'fleet' };
    const lookup = taskLookup(identity as Parameters<typeof taskLookup>[0]);
    await lookup.standing().catch(() => undefined);
    lookup.close();
    const protect = protectionEndpoint(new URL(moto.url));
    for (const enabled of [true, false]) await protect(enabled).catch(() => undefined);
  }, 30_000);

  test('events are put onto a bus of EventBridge', async () => {
    const send = openEventBridge('default');
    expect(await send([acceptedEvent(), acceptedEvent()])).toEqual({ result: 'sent' });
  }, 30_000);

  test("every request fits AWS's own model of it", () => {
    const seen = moto.requests;
    expect(seen.filter(({ fault }) => fault !== '')).toEqual([]);
    expect([...new Set(seen.map(({ call }) => call))].sort()).toEqual(
      expect.arrayContaining([
        'dynamodb:DeleteItem',
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:Scan',
        'dynamodb:UpdateItem',
        'ecs:DescribeServices',
        'ecs:DescribeTasks',
        'ecs:UpdateTaskProtection',
        'elasticache:DescribeUsers',
        'elasticache:ModifyUser',
        'events:PutEvents',
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
        'secretsmanager:PutSecretValue',
        'secretsmanager:UpdateSecretVersionStage',
      ]),
    );
  });
});
