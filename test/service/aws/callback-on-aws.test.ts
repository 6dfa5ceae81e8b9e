import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { CallbackAuthorizer } from '../../../service/auth/callback-authorizer';
import { CallbackClient } from '../../../service/auth/callback-client';
import { SecretSource } from '../../../service/aws/secret-source';
import { SecretsManager } from '../../../service/aws/secrets-manager';
import { SIGNING_SECRET, startLambdaFixture, type LambdaFixture } from '../../lambdas/lambda-fixture';
import { useEnvironment } from '../../support/environment';
import { startFunctionUrl, type FunctionUrl } from '../../support/aws/function-url';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { STAND_IN_CREDENTIALS, STAND_IN_ENVIRONMENT, STAND_IN_REGION } from '../../support/aws/stand-in-identity';
import { startTestNode, type TestNode } from '../../support/servers/test-node';
import { ManualClock } from '../time/manual-clock';
import { PLAIN_NAMES } from '../../support/names';

const IAM = { ...STAND_IN_CREDENTIALS, region: STAND_IN_REGION, service: 'lambda' };

const environment = useEnvironment();
let lambdas: LambdaFixture;
let functionUrl: FunctionUrl;
let variables: Record<string, string>;
beforeEach(async () => {
  lambdas = await startLambdaFixture();
  functionUrl = await startFunctionUrl(lambdas.createCallback({ minRefetchMs: 0 }), { iam: IAM });
  environment.set({
    ...STAND_IN_ENVIRONMENT,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: lambdas.secretsManager.endpoint,
  });
  variables = {
    CALLBACK_URL: functionUrl.url,
    CALLBACK_AUTH: 'sigv4',
    AWS_REGION: STAND_IN_REGION,
    JWT_SECRET_ARN: lambdas.jwtSecretArn,
  };
});
afterEach(async () => {
  await functionUrl.stop();
  await lambdas.stop();
});

/** Replaces the signing secret; the handler keeps only the current and the previous secret. */
async function putSigningSecret(value: string): Promise<void> {
  const { client } = lambdas.secretsManager;
  await client.send(new PutSecretValueCommand({ SecretId: lambdas.jwtSecretArn, SecretString: value }));
}

async function publish(node: TestNode, key: string): Promise<RtmpClient> {
  return RtmpClient.publisher({ port: node.ports.rtmp, channel: 'live', key });
}

/** Code of the status with which a publish is refused. */
async function refusal(node: TestNode, key: string): Promise<string> {
  const client = await RtmpClient.connect({ port: node.ports.rtmp, app: 'live' });
  await client.createStream();
  client.sendPublish(key);
  return (await client.nextStatus()).code;
}

describe('a node with the stream-callback Lambda behind a Function URL', () => {
  test('publishes with the right key, is refused for good with a wrong one, and tells the end', async () => {
    const key = await lambdas.createChannel('live');
    const node = await startTestNode(variables);
    const publisher = await publish(node, key);
    expect(lambdas.log.matching(/start accepted .*"live"/)).toHaveLength(1);
    expect(await refusal(node, 'wrong')).toBe('NetStream.Publish.BadName');
    await publisher.close();
    await lambdas.log.waitFor(/info stop .*"freed":true/);
    expect(await refusal(node, 'wrong')).toBe('NetStream.Publish.Denied');
    expect(functionUrl.denied).toEqual([]);
  });

  test('that AWS does not let call it refuses for now, and says whose refusal it is', async () => {
    const key = await lambdas.createChannel('live');
    environment.set({ AWS_ACCESS_KEY_ID: 'AKIDSTRANGER' });
    const node = await startTestNode({ ...variables, JWT_SECRET_ARN: '', JWT_SECRET: SIGNING_SECRET });
    expect(await refusal(node, key)).toBe('NetStream.Publish.BadName');
    await node.log.waitFor(/AWS did not let the callback decide \(AccessDeniedException\)/);
  });

  test('starts while Secrets Manager is away, refuses for now, is not ready, and then is', async () => {
    const key = await lambdas.createChannel('live');
    const door = await startDoor(lambdas.secretsManager.endpoint);
    environment.set({ AWS_ENDPOINT_URL_SECRETS_MANAGER: door.url });
    const node = await startTestNode(variables);
    expect(await refusal(node, key)).toBe('NetStream.Publish.BadName');
    expect(await node.page('/readyz')).toMatchObject({ status: 503, text: expect.stringContaining('JWT_SECRET_ARN') });
    expect((await node.page('/healthz')).status).toBe(200);
    expect(node.log.matching(/^warning JWT_SECRET_ARN cannot be read, it is tried again/)).toHaveLength(1);
    door.open();
    await node.log.waitFor(/^info JWT_SECRET_ARN can be read again/, 15_000);
    expect((await node.page('/readyz')).status).toBe(200);
    await (await publish(node, key)).close();
    door.stop();
  });

  test('keeps streams and accepts new ones while Secrets Manager is away later', async () => {
    const key = await lambdas.createChannel('live');
    const other = await lambdas.createChannel('other');
    const node = await startTestNode({ ...variables, JWT_SECRET_REFRESH_SECONDS: '1' });
    const publisher = await publish(node, key);
    await lambdas.secretsManager.stop();
    await node.log.waitFor(/^warning JWT_SECRET_ARN cannot be read, what was read before serves/, 15_000);
    const second = await RtmpClient.publisher({ port: node.ports.rtmp, channel: 'other', key: other });
    await publisher.roundTrip();
    await Promise.all([publisher.close(), second.close()]);
  });

  test('refuses nobody while the secret is rotated twice under it', async () => {
    const key = await lambdas.createChannel('live');
    const node = await startTestNode({ ...variables, JWT_SECRET_REFRESH_SECONDS: '1' });
    let rotations = 0;
    while (rotations < 2) {
      const publisher = await publish(node, key);
      await publisher.close();
      const seen = node.log.matching(/JWT_SECRET_ARN has changed/).length;
      if (seen === rotations) {
        await putSigningSecret(`rotated-${rotations + 1}`);
        await node.log.waitFor(/JWT_SECRET_ARN has changed/);
      }
      rotations = seen;
    }
    expect(node.log.matching(/status 401/)).toEqual([]);
  });
});

test('a token that a handler no longer accepts is signed anew with a fresh secret, and accepted', async () => {
  const key = await lambdas.createChannel('live');
  const clock = new ManualClock();
  const secrets = new SecretsManager();
  const secret = new SecretSource({
    name: 'JWT_SECRET_ARN',
    read: () => secrets.read({ arn: lambdas.jwtSecretArn, region: STAND_IN_REGION, field: 'secret' }),
    refreshMs: 300_000,
    log: lambdas.log,
    clock,
  });
  const open = await startFunctionUrl(lambdas.createCallback({ secretCacheMs: 0, minRefetchMs: 0 }));
  const client = new CallbackClient({ url: new URL(open.url) });
  const observed: string[] = [];
  const authorizer = new CallbackAuthorizer({
    client,
    subject: 'rtmp_event',
    secret,
    timeoutMs: 5_000,
    rtmpHost: '',
    rtmpPort: 1935,
    names: PLAIN_NAMES,
    log: lambdas.log,
    due: { pull: () => Promise.resolve([]), delivered: () => undefined },
    observer: {
      callback: (event, result) => void observed.push(`${event} ${result}`),
      unasked: () => undefined,
      handlerDown: () => undefined,
    },
  });
  const request = { channel: 'live', key, clientIp: '192.0.2.1', query: '' };
  const stays = new AbortController().signal;
  await secret.current();
  await putSigningSecret('rotated away, 1');
  await putSigningSecret('rotated away, 2');

  // Just read: not read again at once, whichever caller asks.
  await expect(authorizer.authorizeStart(request, stays, () => undefined)).resolves.toMatchObject({
    accepted: false,
    final: true,
  });
  await clock.advance(10_000);
  const decision = await authorizer.authorizeStart(request, stays, () => undefined);
  expect(decision).toMatchObject({ accepted: true });
  expect(observed).toEqual(['start refused', 'start refused', 'start accepted']);

  secret.close();
  client.close();
  secrets.close();
  await open.stop();
});

/** The way to `url`, closed at first. */
async function startDoor(url: string) {
  let isOpen = false;
  const door = createServer((socket) => {
    socket.on('error', () => undefined);
    if (!isOpen) {
      socket.destroy();
      return;
    }
    const onward = connect(Number(new URL(url).port), '127.0.0.1');
    onward.on('error', () => undefined);
    socket.pipe(onward).pipe(socket);
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  return {
    url: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
    open: () => void (isOpen = true),
    stop: () => void door.close(),
  };
}
