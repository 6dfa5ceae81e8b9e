import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readTaskMetadata, type TaskIdentity } from '../../../service/aws/task-metadata';
import { startCallbackServer } from '../../support/servers/callback-server';
import { MemoryLogger } from '../../support/memory-logger';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import {
  STAND_IN_TASK_ARN,
  startTaskMetadata,
  taskDocument,
  type TaskMetadataStandIn,
} from '../../support/aws/task-metadata';
import { startTestNode } from '../../support/servers/test-node';

let endpoint: TaskMetadataStandIn;
let log: MemoryLogger;
beforeEach(async () => {
  endpoint = await startTaskMetadata();
  log = new MemoryLogger();
});
afterEach(() => endpoint.stop());

const read = (uri = endpoint.uri): Promise<TaskIdentity | undefined> => readTaskMetadata(new URL(uri), log);

describe('the task metadata', () => {
  test("give the task's address, ARN, cluster and definition", async () => {
    await expect(read()).resolves.toEqual({
      address: '10.42.3.7',
      taskArn: STAND_IN_TASK_ARN,
      cluster: 'arn:aws:ecs:eu-west-1:123456789012:cluster/fleet',
      definition: 'fleet-ingest:7',
    });
  });

  test('are asked for again when the endpoint fails', async () => {
    endpoint.answerNext(
      (response) => response.writeHead(500).end(),
      (response) => response.writeHead(200).end('{"Cluster":'),
    );
    await expect(read()).resolves.toMatchObject({ address: '10.42.3.7' });
    expect(endpoint.requests).toBe(3);
    expect(log.entries).toEqual([]);
  });

  test('that cannot be had are done without, with one warning', async () => {
    const fail = (response: { destroy(): unknown }): void => void response.destroy();
    endpoint.answerNext(fail, fail, fail);
    await expect(read()).resolves.toBeUndefined();
    expect(log.matching(/^warning the ECS task metadata cannot be read/)).toHaveLength(1);
  });

  test('that never come are not waited for', async () => {
    const never = (): void => undefined;
    endpoint.answerNext(never, never, never);
    await expect(read()).resolves.toBeUndefined();
    expect(endpoint.requests).toBe(3);
  });

  test('that never end are not kept', async () => {
    const flood = (response: NodeJS.WritableStream): void => {
      response.on('error', () => undefined);
      response.write(Buffer.alloc(1024 * 1024, ' '));
    };
    endpoint.answerNext(flood, flood, flood);
    await expect(read()).resolves.toBeUndefined();
  });

  test.each([
    ['no containers', {}],
    ['a container without networks', { Containers: [{}] }],
    ['an address that is none', taskDocument('not-an-address')],
    ['something else', ['x']],
  ])('with %s have no address', async (_name, document) => {
    const other = await startTaskMetadata(document);
    await expect(read(other.uri)).resolves.toHaveProperty('address', '');
    await other.stop();
  });
});

describe('rtmp_host of the callback token', () => {
  async function hostTold(values: Record<string, string>): Promise<unknown> {
    const callback = await startCallbackServer();
    try {
      const node = await startTestNode({ CALLBACK_URL: callback.url.href, JWT_SECRET: 'sesame', ...values });
      const publisher = await RtmpClient.publisher({ port: node.ports.rtmp, channel: 'live', key: 'k' });
      await publisher.close();
      return callback.requests[0]!.claims['rtmp_host'];
    } finally {
      await callback.stop();
    }
  }

  test("is the task's own address", async () => {
    expect(await hostTold({ ECS_CONTAINER_METADATA_URI_V4: endpoint.uri })).toBe('10.42.3.7');
  });

  test('is RTMP_HOST where that is set', async () => {
    const values = { ECS_CONTAINER_METADATA_URI_V4: endpoint.uri, RTMP_HOST: 'live.example' };
    expect(await hostTold(values)).toBe('live.example');
  });

  test('is empty elsewhere', async () => {
    expect(await hostTold({})).toBe('');
  });
});
