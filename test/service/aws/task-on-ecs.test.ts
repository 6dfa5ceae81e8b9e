import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { protectionEndpoint, ProtectionRefused } from '../../../service/aws/protection-endpoint';
import { taskLookup, type TaskLookup } from '../../../service/aws/task-lookup';
import { startEcsApi, type EcsApiStandIn } from '../../support/aws/ecs-api';
import { EcsService } from '../../support/aws/ecs-service';
import { startEcsTaskEndpoint, type EcsTaskEndpoint } from '../../support/aws/ecs-task-endpoint';
import { useEnvironment } from '../../support/environment';
import { STAND_IN_CREDENTIALS, STAND_IN_ENVIRONMENT, STAND_IN_REGION } from '../../support/aws/stand-in-identity';

const environment = useEnvironment();
let service: EcsService;
let task: ReturnType<EcsService['startTask']>;
let api: EcsApiStandIn;
let endpoint: EcsTaskEndpoint;
let lookup: TaskLookup;
beforeEach(async () => {
  service = new EcsService({
    ...{ region: STAND_IN_REGION, account: '123456789012', cluster: 'fleet', service: 'rtmp', family: 'node' },
    desiredCount: 1,
  });
  task = service.startTask();
  api = await startEcsApi(service);
  endpoint = await startEcsTaskEndpoint({
    ...{ service, task, address: '10.0.0.5', containerName: 'rtmp', roleArn: 'arn:aws:iam::1:role/r' },
    credentials: { ...STAND_IN_CREDENTIALS, sessionToken: undefined },
  });
  // The region is the one of the task's ARN.
  environment.set({ ...STAND_IN_ENVIRONMENT, AWS_REGION: 'us-west-2', AWS_ENDPOINT_URL_ECS: api.endpoint });
  lookup = taskLookup({ taskArn: task.arn, cluster: service.clusterArn, address: '', definition: '' });
});
afterEach(async () => {
  lookup.close();
  await Promise.all([api.stop(), endpoint.stop()]);
});

describe('ECS', () => {
  test('says where the task stands, through a deployment and its end', async () => {
    expect(await lookup.standing()).toBe('wanted');
    service.deploy();
    expect(await lookup.standing()).toBe('wanted');
    service.startTask();
    expect(await lookup.standing()).toBe('superseded');
    task.desiredStatus = 'STOPPED';
    task.lastStatus = 'DEACTIVATING';
    expect(await lookup.standing()).toBe('leaving');
  });

  test('that refuses makes the question fail, after the retries of the SDK', async () => {
    api.refuseWith('ThrottlingException');
    await expect(lookup.standing()).rejects.toMatchObject({ name: 'ThrottlingException' });
    expect(api.calls.length).toBeGreaterThan(1);
    api.refuseWith(undefined);
    expect(await lookup.standing()).toBe('wanted');
  });

  test('that does not know the task makes the question fail', async () => {
    service.tasks.clear();
    await expect(lookup.standing()).rejects.toThrow('ECS does not know this task: MISSING');
  });
});

describe('the agent of ECS', () => {
  const set = (enabled: boolean) => protectionEndpoint(new URL(endpoint.environment['ECS_AGENT_URI'] ?? ''))(enabled);

  test('protects the task for an hour, and no longer', async () => {
    expect(await set(true)).toBe(task.protectedUntil?.getTime());
    expect(task.protectedUntil!.getTime() - Date.now()).toBeGreaterThan(59 * 60_000);
    expect(await set(false)).toBeUndefined();
    expect(task.protectedUntil).toBeUndefined();
  });

  test('says why it does not', async () => {
    service.startTask().protectedUntil = new Date(Date.now() + 60_000);
    await expect(set(true)).rejects.toMatchObject({ name: 'ProtectionRefused', code: 'DEPLOYMENT_BLOCKED' });
    endpoint.disturbAgent('ThrottlingException');
    await expect(set(true)).rejects.toEqual(new ProtectionRefused('ThrottlingException', 'Rate exceeded'));
  });

  test('that does not answer is not waited for', async () => {
    endpoint.disturbAgent('hang');
    await expect(set(true)).rejects.toMatchObject({ name: 'AbortError' });
  });
});
