import {
  DescribeServicesCommand,
  DescribeTasksCommand,
  ECSClient,
  UpdateTaskProtectionCommand,
} from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startEcsApi, type EcsApiStandIn } from './ecs-api';
import { EcsService, type EcsTask } from './ecs-service';
import { startEcsTaskEndpoint, type EcsTaskEndpoint } from './ecs-task-endpoint';
import { STAND_IN_CREDENTIALS, STAND_IN_REGION, standInClientOptions } from './stand-in-identity';

const cluster = 'fleet';
const service = new EcsService({
  ...{ region: STAND_IN_REGION, account: '123456789012', cluster, service: 'rtmp', family: 'node', desiredCount: 1 },
});
const [first, second] = [service.startTask(), service.startTask()];
let api: EcsApiStandIn;
let client: ECSClient;
let endpoint: EcsTaskEndpoint;
beforeAll(async () => {
  api = await startEcsApi(service);
  client = new ECSClient({ ...standInClientOptions(api.endpoint), maxAttempts: 1 });
  endpoint = await startEcsTaskEndpoint({
    ...{ service, task: first, address: '10.0.0.5', containerName: 'rtmp', roleArn: 'arn:aws:iam::1:role/r' },
    credentials: { ...STAND_IN_CREDENTIALS, sessionToken: 'token' },
  });
});
afterAll(async () => {
  client.destroy();
  await Promise.all([api.stop(), endpoint.stop()]);
});

const protect = (task: EcsTask, protectionEnabled: boolean, expiresInMinutes?: number) =>
  client.send(new UpdateTaskProtectionCommand({ cluster, tasks: [task.arn], protectionEnabled, expiresInMinutes }));

const agent = async (method: string, body?: object): Promise<unknown> => {
  const url = `${endpoint.environment['ECS_AGENT_URI'] ?? ''}/task-protection/v1/state`;
  return (await fetch(url, { method, ...(body && { body: JSON.stringify(body) }) })).json();
};

describe('the API of ECS', () => {
  test('tells of the task, and of the deployment that supersedes its own', async () => {
    const { tasks, failures } = await client.send(new DescribeTasksCommand({ cluster, tasks: [first.arn, 'gone'] }));
    expect(tasks).toMatchObject([{ taskArn: first.arn, group: 'service:rtmp', lastStatus: 'RUNNING' }]);
    expect(failures).toMatchObject([{ arn: 'gone', reason: 'MISSING' }]);
    service.deploy();
    const { services } = await client.send(new DescribeServicesCommand({ cluster, services: ['rtmp'] }));
    expect(services?.[0]?.deployments).toMatchObject([
      { status: 'PRIMARY', rolloutState: 'IN_PROGRESS', taskDefinition: expect.stringMatching(/node:2$/) },
      { status: 'ACTIVE', runningCount: 2, id: tasks?.[0]?.startedBy },
    ]);
  });

  test('protects no more tasks than the service wants, and only for the time that is allowed', async () => {
    await expect(protect(first, true, 2881)).rejects.toMatchObject({ name: 'InvalidParameterException' });
    const { protectedTasks } = await protect(first, true, 60);
    expect(protectedTasks).toMatchObject([{ protectionEnabled: true, expirationDate: expect.any(Date) }]);
    expect((await protect(second, true, 60)).failures).toMatchObject([{ reason: 'DEPLOYMENT_BLOCKED' }]);
    expect((await protect(first, false)).protectedTasks).toMatchObject([{ protectionEnabled: false }]);
    expect((await protect(second, true, 60)).failures).toEqual([]);
    await protect(second, false);
  });

  test('refuses a cluster that it does not have, a wrong signature, and everything when it is throttled', async () => {
    const elsewhere = client.send(new DescribeTasksCommand({ tasks: [first.arn] }));
    await expect(elsewhere).rejects.toMatchObject({ name: 'ClusterNotFoundException' });
    const stranger = new ECSClient({
      ...standInClientOptions(api.endpoint),
      credentials: { ...STAND_IN_CREDENTIALS, secretAccessKey: 'another' },
      maxAttempts: 1,
    });
    const forged = stranger.send(new DescribeTasksCommand({ cluster, tasks: [first.arn] }));
    await expect(forged).rejects.toMatchObject({ name: 'InvalidSignatureException' });
    api.refuseWith('ThrottlingException');
    await expect(protect(first, true)).rejects.toMatchObject({ name: 'ThrottlingException' });
    api.refuseWith(undefined);
  });
});

describe('what a container finds', () => {
  test('metadata as on Fargate, and credentials of its role', async () => {
    const { ECS_CONTAINER_METADATA_URI_V4: base = '', AWS_CONTAINER_CREDENTIALS_FULL_URI: uri = '' } =
      endpoint.environment;
    const task = (await (await fetch(`${base}/task`)).json()) as object;
    expect(task).toMatchObject({
      ...{ TaskARN: first.arn, Family: 'node', Revision: '1', LaunchType: 'FARGATE' },
      Containers: [{ Name: 'rtmp', Networks: [{ IPv4Addresses: ['10.0.0.5'] }] }],
    });
    expect(task).not.toHaveProperty('ServiceName');
    expect(await (await fetch(uri)).json()).toMatchObject({ AccessKeyId: 'AKIDSTANDIN', Token: 'token' });
  });

  test('the agent, which protects its task and refuses what it does not understand', async () => {
    const set = await agent('PUT', { ProtectionEnabled: true, ExpiresInMinutes: 60 });
    expect(set).toMatchObject({ protection: { ProtectionEnabled: true, TaskArn: first.arn } });
    expect(await agent('GET')).toEqual(set);
    expect(await agent('PUT', { ProtectionEnabled: false })).toMatchObject({
      protection: { ProtectionEnabled: false },
    });
    for (const body of [{ protectionEnabled: true }, { ProtectionEnabled: true, ExpiresInMinutes: 0 }]) {
      expect(await agent('PUT', body)).toMatchObject({ error: { Code: 'InvalidParameterException' } });
    }
    endpoint.disturbAgent('ThrottlingException');
    expect(await agent('GET')).toMatchObject({ error: { Code: 'ThrottlingException', Arn: first.arn } });
    endpoint.disturbAgent(undefined);
  });
});
