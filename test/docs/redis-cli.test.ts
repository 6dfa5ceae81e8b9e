import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Program } from '../support/programs/program';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { RedisServer } from '../support/servers/redis-server';
import { startTestNode } from '../support/servers/test-node';
import { readDocument, shownCommands } from './markdown';

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.remove());

const lines = shownCommands(readDocument('README.md')).filter((line) => line.startsWith('redis-cli publish '));

/** Types a line into a shell, for the Redis of this test; gives what it prints. */
async function type(line: string): Promise<string> {
  const command = line.replace('redis-cli', `redis-cli -p ${redis.port}`);
  const program = new Program('bash', ['-c', command], { env: { PATH: process.env['PATH'] }, cwd: tmpdir() });
  await program.exited;
  return program.output.trim();
}

test('the redis-cli commands of README reach a server, and one of them ends the stream', async () => {
  const node = await startTestNode({ REDIS_USE: 'YES', REDIS_PORT: String(redis.port) });
  const publisher = await RtmpClient.publisher({ port: node.ports.rtmp, channel: 'news', key: 'key' });
  await node.log.waitFor(/Listening for commands/);
  expect(lines.length).toBeGreaterThan(1);
  for (const line of [...lines].reverse()) expect([line, await type(line)]).toEqual([line, '1']);
  expect(await publisher.nextStatus()).toMatchObject({ description: expect.stringMatching(/operator/) });
  await publisher.expectClosed();
});
