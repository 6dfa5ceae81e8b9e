import { afterEach, expect, test } from '@jest/globals';
import { RedisServer } from '../../../support/servers/redis-server';
import { ServerProcess } from '../../../support/servers/server-process';
import { LifeNode } from './life-node';

const login = { username: 'service', password: 'pw' };
const user = (rights: string): string => `user service on >pw ~{rtmp}:* &* +@all ${rights}`;
let redis: RedisServer;
let node: LifeNode | undefined;

async function startRedis(rights: string): Promise<void> {
  redis = await RedisServer.start({ acl: ['user default on nopass ~* &* +@all', user(rights)] });
}

afterEach(async () => {
  await node?.store.stop();
  node = undefined;
  await redis.remove();
});

test.each([
  ['-hrandfield', ['HRANDFIELD']],
  ['-time', ['TIME']],
  ['-eval', ['EVAL']],
  ['-xtrim -hincrby', ['HINCRBY', 'XTRIM']],
])('a Redis with %s is told of by name, until it may do all', async (rights, refused) => {
  await startRedis(rights);
  node = await LifeNode.start({ port: redis.port, ...login });
  await node.log.waitFor(/Redis refuses what the fleet needs/);
  expect([...node.store.refused].sort()).toEqual(refused);
  for (const command of refused) expect(node.log.matching(new RegExp(`Redis refuses.*${command} \\(`))).toHaveLength(1);
  // New rights come with new connections: Redis closes a user's connections when the user is changed.
  await redis.withClient(async (client) => {
    await client.call('ACL', 'SETUSER', 'service', '+@all');
    await client.call('CLIENT', 'KILL', 'TYPE', 'normal');
  });
  await node.log.waitFor(/Redis does all that the fleet needs/);
  expect(node.store.refused).toEqual([]);
});

test('announcements are not needed', async () => {
  await startRedis('-publish');
  node = await LifeNode.start({ port: redis.port, ...login });
  await node.log.waitFor(/changes are noticed some seconds later: PUBLISH \(/);
  expect(node.store.refused).toEqual([]);
});

test('a Redis that does all is not worth a word, and nothing remains of the attempt', async () => {
  await startRedis('');
  node = await LifeNode.start({ port: redis.port, ...login });
  await node.publish('ch', 'id');
  expect(node.log.matching(/refuses/)).toEqual([]);
  expect(await redis.keys('*probe*')).toEqual([]);
});

test('a node that cannot take part is not ready, and says why', async () => {
  await startRedis('-hrandfield');
  const server = await ServerProcess.start({
    REDIS_USE: 'YES',
    REDIS_PORT: String(redis.port),
    REDIS_USERNAME: login.username,
    REDIS_PASSWORD: login.password,
    FLEET: 'YES',
    HTTP_PORT: '0',
  });
  await server.waitForLog(/Redis refuses what the fleet needs, this node cannot take part: HRANDFIELD/);
  const answer = await fetch(`http://127.0.0.1:${server.httpPort}/readyz`);
  expect(answer.status).toBe(503);
  expect(await answer.text()).toMatch(/^not ready: Redis refuses HRANDFIELD/);
  await server.stop();
}, 60_000);
