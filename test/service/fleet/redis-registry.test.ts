import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { RedisServer } from '../../support/redis-server';
import { RecordingNode, leaseRequest } from './recording-node';

let redis: RedisServer;
const nodes: RecordingNode[] = [];

async function startNode(id?: string): Promise<RecordingNode> {
  const node = await RecordingNode.start({ port: redis.port, ...(id !== undefined && { id }) });
  nodes.push(node);
  return node;
}

beforeAll(async () => {
  redis = await RedisServer.start();
});

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.registry.stop()));
  await redis.withClient((client) => client.flushall());
});

afterAll(() => redis.remove());

describe('a lease', () => {
  test('goes to the first publisher, and the others learn who has it', async () => {
    const [a, b] = await Promise.all([startNode('a'), startNode('b')]);
    const first = await a.publish('ch', 'stream-1');
    const outcome = await b.registry.acquire(leaseRequest('ch'));
    expect(outcome).toMatchObject({
      kind: 'busy',
      lease: { channel: 'ch', node: 'a', session: first?.session, state: 'live', streamId: 'stream-1' },
      owner: { id: 'a', host: '10.0.0.1', port: 1935, draining: false },
    });
    expect(await b.registry.locate('ch')).toMatchObject({ lease: { session: first?.session }, owner: { id: 'a' } });
  });

  test('is free again when the stream ended, and the stop is its node’s', async () => {
    const [a, b] = await Promise.all([startNode(), startNode()]);
    const first = await a.publish('ch', 'stream-1');
    expect(first && (await a.end(first, 'stream-1'))).toBe(true);
    expect(await b.registry.locate('ch')).toBeUndefined();
    expect(await b.publish('ch', 'stream-2')).toBeDefined();
  });

  test('that was asked for by hundreds at once goes to one', async () => {
    const all = await Promise.all([startNode(), startNode(), startNode(), startNode()]);
    const attempts = Array.from({ length: 400 }, (_, i) => all[i % 4]!.registry.acquire(leaseRequest(`ch-${i % 5}`)));
    const outcomes = await Promise.all(attempts);
    expect(outcomes.filter(({ kind }) => kind === 'acquired')).toHaveLength(5);
    expect(outcomes.filter(({ kind }) => kind === 'busy')).toHaveLength(395);
  });
});
