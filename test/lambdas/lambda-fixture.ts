import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { EventTokenVerifier } from '../../lambdas/shared/event-token-verifier';
import { ALL_STAGES, SecretVersions } from '../../lambdas/shared/secret-versions';
import { createCallbackHandler, type CallbackHandler } from '../../lambdas/stream-callback/callback-handler';
import { StreamStore } from '../../lambdas/stream-callback/stream-store';
import { KeyStore } from '../../lambdas/stream-keys/key-store';
import { runKeysCommand, type KeysDependencies, type KeysResult } from '../../lambdas/stream-keys/keys-commands';
import { parseKeysRequest } from '../../lambdas/stream-keys/keys-request';
import { startDynamoDb, type DynamoDbStandIn } from '../support/aws/dynamodb';
import { MemoryLogger } from '../support/memory-logger';
import { startSecretsManager, type SecretsManagerStandIn } from '../support/aws/secrets-manager';

export const SIGNING_SECRET = 'first-signing-secret-of-the-test-deployment';
export const KEY_PEPPER = 'pepper-of-the-test-deployment';

/** The data and secrets that the handlers share, on stand-ins, with the real AWS SDK in between. */
export interface LambdaFixture {
  readonly tableName: string;
  readonly dynamoDb: DynamoDbStandIn;
  readonly secretsManager: SecretsManagerStandIn;
  readonly jwtSecretArn: string;
  readonly pepperArn: string;
  readonly log: MemoryLogger;
  readonly keys: KeysDependencies;
  /** Runs a stream-keys request. */
  runKeys(request: object): Promise<KeysResult>;
  /** Creates a channel and returns its key. */
  createChannel(channel: string, policy?: object): Promise<string>;
  /** A callback handler as in one warm container: with a separate cache. */
  createCallback(options?: CallbackOptions): CallbackHandler;
  stop(): Promise<void>;
}

export interface CallbackOptions {
  readonly whenBusyDefault?: 'takeover' | 'reject';
  readonly secretCacheMs?: number;
  readonly minRefetchMs?: number;
}

export async function startLambdaFixture(): Promise<LambdaFixture> {
  const tableName = 'stream-keys';
  const dynamoDb = await startDynamoDb();
  const secretsManager = await startSecretsManager();
  await dynamoDb.createTable(tableName);
  const jwtSecretArn = secretsManager.createSecret('jwt', SIGNING_SECRET);
  const pepperArn = secretsManager.createSecret('pepper', JSON.stringify({ secret: KEY_PEPPER }));
  const log = new MemoryLogger();

  const secretVersions = (secretId: string, stages: typeof ALL_STAGES, maxAgeMs = 60_000, minRefetchMs?: number) =>
    new SecretVersions({
      client: secretsManager.client,
      secretId,
      field: 'secret',
      stages,
      log,
      maxAgeMs,
      ...(minRefetchMs === undefined ? {} : { minRefetchMs }),
    });
  const keys: KeysDependencies = {
    store: new KeyStore(dynamoDb.client, tableName),
    pepper: secretVersions(pepperArn, ['AWSCURRENT'], 0, 0),
  };
  const runKeys = (request: object): Promise<KeysResult> => runKeysCommand(parseKeysRequest(request), keys);

  return {
    tableName,
    dynamoDb,
    secretsManager,
    jwtSecretArn,
    pepperArn,
    log,
    keys,
    runKeys,
    async createChannel(channel, policy) {
      const result = await runKeys({ command: 'create', channel, ...(policy === undefined ? {} : { policy }) });
      if (!('key' in result)) throw new Error('create returned no key');
      return result.key;
    },
    createCallback({ whenBusyDefault = 'takeover', secretCacheMs = 60_000, minRefetchMs = 5_000 } = {}) {
      return createCallbackHandler({
        verifier: new EventTokenVerifier(
          secretVersions(jwtSecretArn, ALL_STAGES, secretCacheMs, minRefetchMs),
          'rtmp_event',
        ),
        store: new StreamStore(dynamoDb.client, tableName, 3600),
        peppers: secretVersions(pepperArn, ['AWSCURRENT', 'AWSPREVIOUS'], secretCacheMs),
        whenBusyDefault,
        log,
      });
    },
    async stop() {
      await Promise.all([dynamoDb.stop(), secretsManager.stop()]);
    },
  };
}

/** Claims of a start, as the service sends them. */
export function startClaims(channel: string, key: string, more: object = {}): Record<string, unknown> {
  return {
    event: 'start',
    channel,
    key,
    client_ip: '198.51.100.7',
    rtmp_host: '10.0.0.5',
    rtmp_port: 1935,
    jti: randomUUID(),
    ...more,
  };
}

export function stopClaims(channel: string, streamId: string, startJti?: unknown): Record<string, unknown> {
  const stop = { event: 'stop', channel, key: 'k', client_ip: '198.51.100.7', stream_id: streamId, jti: randomUUID() };
  return { ...stop, ...(startJti !== undefined && { start_jti: startJti }) };
}

/** Signs an event token as the service does. */
export async function signEvent(
  claims: Record<string, unknown>,
  secret: string = SIGNING_SECRET,
  expiresInSeconds = 120,
): Promise<string> {
  return new SignJWT({ sub: 'rtmp_event', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + expiresInSeconds)
    .sign(new TextEncoder().encode(secret));
}
