import { randomUUID } from 'node:crypto';
import { RotateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, test } from '@jest/globals';
import type { RtmpClient } from '../support/rtmp/rtmp-client';
import { STAND_IN_REGION } from '../support/aws/stand-in-identity';
import { invoke } from './aws/invoke';
import { DeploymentOfFile } from './deployment-of-file';
import type { FargateTask } from './ingest/fargate-service';
import { createChannel } from './stream-channels';

const file = DeploymentOfFile.start({
  // A rotation waits until the callback cannot have an older secret in memory.
  functionVariables: { SECRET_CACHE_SECONDS: '1' },
  taskVariables: { ECS_POLL_SECONDS: '1' },
});

describe('the canary', () => {
  const run = (): Promise<unknown> =>
    invoke(file.deployment.lambda, file.deployment.functions.get('Canary').settings.name, {});

  test('makes its key known by itself, is green, and red for the listener that breaks', async () => {
    const { balancer } = file.deployment;
    const [rtmp, rtmps] = ['rtmp-dev.rtmp', 'rtmp-dev.rtmps'];
    expect(await run()).toMatchObject([
      { listener: rtmp, success: true },
      { listener: rtmps, success: true },
    ]);
    await balancer.breakListener(443);
    expect(await run()).toMatchObject([
      { listener: rtmp, success: true },
      { listener: rtmps, success: false, error: expect.stringContaining('ECONNREFUSED') },
    ]);
    await balancer.mendListener(443);
  }, 30_000);
});

test('no publisher is refused while the signing secret is rotated, twice', async () => {
  const { standIn } = file.deployment.secrets;
  const SecretId = file.deployment.secrets.arn('JwtSecret');
  let published = 0;
  let rotating = true;
  const comeAndGo = async (channel: string): Promise<void> => {
    const key = await createChannel(file.deployment, channel);
    while (rotating) {
      const publisher = await file.publisher(channel, key);
      published += 1;
      publisher.deleteStream();
      await publisher.close();
    }
  };
  const publishers = Promise.all(['rotating-1', 'rotating-2', 'rotating-3'].map(comeAndGo));
  const rotations = async (): Promise<void> => {
    for (let rotation = 1; rotation <= 2; rotation += 1) {
      await standIn.client.send(new RotateSecretCommand({ SecretId, ClientRequestToken: randomUUID() }));
      await standIn.rotationsEnded();
    }
    // The callback no longer accepts the first secret: nodes that still sign with it have to notice.
    const before = published;
    await file.until('more publishers', () => published >= before + 20);
  };
  await Promise.race([rotations().finally(() => (rotating = false)), publishers]);
  await publishers;
  expect(file.log.filter((line) => /start refused|callback failed|Publish\.(Denied|BadName)/.test(line))).toEqual([]);
  expect(file.log.some((line) => line.includes('JWT_SECRET_ARN has changed'))).toBe(true);
}, 60_000);

test('a task that serves many publishers protects itself from scale-in, under its own role', async () => {
  const { ecs } = file.deployment;
  const channels = Array.from({ length: 6 }, (_, index) => `busy-${index}`);
  const publishers: RtmpClient[] = [];
  for (const channel of channels) {
    publishers.push(await file.publisher(channel, await createChannel(file.deployment, channel)));
  }
  const isProtected = (): boolean => [...ecs.tasks.values()].some(({ protectedUntil }) => protectedUntil !== undefined);
  await file.until('a protected task', isProtected);
  for (const publisher of publishers) {
    publisher.deleteStream();
    await publisher.close();
  }
});

describe('a task that ECS stops', () => {
  const streamsOf = async (task: FargateTask): Promise<string> =>
    (await fetch(`http://127.0.0.1:${task.port(8080)}/api/streams`)).text();

  test('serves the streams that it has, takes no new ones, and ends when the last has left', async () => {
    const { service } = file.deployment;
    const [key, otherKey] = [
      await createChannel(file.deployment, 'staying'),
      await createChannel(file.deployment, 'new'),
    ];
    const publisher = await file.publisher('staying', key);
    const tasks = [...service.tasks];
    const live = await Promise.all(tasks.map(streamsOf));
    const leaving = tasks[live.findIndex((streams) => streams.includes('"staying"'))];
    if (leaving === undefined) throw new Error(`nobody has the stream: ${String(live)}`);
    await service.startTask();

    const stopped = service.stopTask(leaving, { deregistrationMs: 100, stopMs: 120_000 });
    await leaving.program.waitForOutput(/draining/);
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      const newcomer = await file.publisher('new', otherKey);
      expect(await streamsOf(leaving)).not.toContain('"new"');
      newcomer.deleteStream();
      await newcomer.close();
    }
    await publisher.roundTrip();
    publisher.deleteStream();
    await publisher.close();
    expect(await stopped).toBe(0);
    expect(file.callbacksOf('staying').map(({ event }) => event)).toEqual(['start', 'stop']);
  });
});

describe('credentials', () => {
  const call = (credentials: {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string;
  }): Promise<unknown> =>
    new SecretsManagerClient({ region: STAND_IN_REGION, endpoint: file.deployment.gateway.url, credentials }).send(
      new RotateSecretCommand({ SecretId: file.deployment.secrets.arn('JwtSecret') }),
    );

  test('of a task open what its role allows and nothing else', async () => {
    const { surroundings } = file.deployment.functions.get('StreamCallback').settings;
    const credentials = {
      accessKeyId: surroundings['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: surroundings['AWS_SECRET_ACCESS_KEY'] ?? '',
      sessionToken: surroundings['AWS_SESSION_TOKEN'] ?? '',
    };
    file.provoke(/secretsmanager:RotateSecret/);
    await expect(call(credentials)).rejects.toThrow(/not authorized to perform: secretsmanager:RotateSecret/);
    const { sessionToken: _, ...withoutToken } = credentials;
    await expect(call(withoutToken)).rejects.toThrow(/security token .* invalid/);
    await expect(call({ ...credentials, secretAccessKey: 'another' })).rejects.toThrow(/signature/);
  });

  test('are what the callback asks for', async () => {
    const url = file.deployment.functions.get('JwtRotation').settings.variables['CALLBACK_URL'] ?? '';
    expect((await fetch(url, { method: 'POST' })).status).toBe(403);
  });
});
