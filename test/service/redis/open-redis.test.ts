import { expect, jest, test } from '@jest/globals';
import { loadServiceConfig } from '../../../service/config/service-config';
import { MemoryLogger } from '../../support/memory-logger';

let mockLoads = 0;
jest.mock('ioredis', () => {
  mockLoads += 1;
  return jest.requireActual('ioredis');
});

test('a node loads the Redis client, which takes 12 MB, only when it is to use Redis', async () => {
  // Imported only now, so that modules that the service loads with its files are counted too.
  const { startNode } = await import('../../../service/node/node');
  const own = { RTMP_PORT: '0', BIND_ADDRESS: '127.0.0.1', DRAIN_SECONDS: '1' };
  const start = (values: Record<string, string>) =>
    startNode({ config: loadServiceConfig(values).config, log: new MemoryLogger(), version: 'test' });

  await (await start(own)).stop();
  expect(mockLoads).toBe(0);
  await (await start({ ...own, REDIS_USE: 'YES', REDIS_HOST: '127.0.0.1', REDIS_PORT: '1' })).stop();
  expect(mockLoads).toBe(1);
});
