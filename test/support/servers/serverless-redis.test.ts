import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { RedisServer } from './redis-server';

let redis: RedisServer;

beforeAll(async () => {
  redis = await RedisServer.start({ kind: 'serverless' });
});

afterAll(() => redis.remove());

const ask = (...command: [string, ...(string | number)[]]): Promise<string> =>
  redis.withClient((client) =>
    client.call(command[0], command.slice(1)).then(String, (error: unknown) => (error as Error).message),
  );

test('scripts may not ask for the time, clients may', async () => {
  expect(await ask('EVAL', "return redis.call('TIME')", 0)).toMatch(/^ERR Unknown Redis command called from script/);
  expect(await ask('TIME')).toMatch(/^\d{10,},\d+$/);
});

test('it is a cluster of one node that has every slot', async () => {
  expect(await ask('CLUSTER', 'INFO')).toContain('cluster_state:ok');
  expect(await ask('SET', 'any-key', '1')).toBe('OK');
  const script = 'return redis.call("get", KEYS[1])';
  expect(await ask('EVAL', script, 2, 'any-key', 'other-key')).toMatch(/hash to the same slot/i);
});

test.each(['PSUBSCRIBE', 'KEYS', 'MONITOR', 'CONFIG', 'WAIT'])('%s is unknown', async (command) => {
  expect(await ask(command, '*')).toMatch(/^ERR unknown command/);
});

test('messages arrive though nobody is counted', async () => {
  await redis.withClient(async (subscriber) => {
    await subscriber.subscribe('news');
    const heard = once(subscriber, 'message');
    expect(await redis.publish('news', 'hello')).toBe(0);
    expect(await heard).toEqual(['news', 'hello']);
  });
});
