import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { CommandChannel, type CommandChannelOptions } from '../../../service/commands/command-channel';
import type { Command } from '../../../service/commands/command-parser';
import { RecordingNode } from '../fleet/recording-node';
import { MemoryLogger } from '../../support/memory-logger';
import { RedisServer } from '../../support/redis-server';
import { PLAIN_NAMES } from '../../support/names';

const CHANNEL = 'rtmp_commands';

let redis: RedisServer;
let replies: Redis;
const said: string[] = [];
const heard = new EventEmitter();
const channels: CommandChannel[] = [];
const nodes: RecordingNode[] = [];

/** Waits for that many replies, and gives them. */
async function repliesUntil(count: number): Promise<unknown[]> {
  while (said.length < count) await once(heard, 'reply');
  return said.map((line) => JSON.parse(line) as unknown);
}

async function listen(options: Partial<CommandChannelOptions> = {}): Promise<MemoryLogger> {
  const logger = new MemoryLogger();
  const none = { username: undefined, password: undefined, tls: undefined };
  const channel = new CommandChannel({
    names: PLAIN_NAMES,
    config: { host: redis.host, port: redis.port, ...none, channel: CHANNEL },
    logger,
    execute: () => ({ acted: false, detail: 'nothing here' }),
    ...options,
  });
  channels.push(channel);
  await logger.waitFor(/Listening for commands/);
  return logger;
}

beforeEach(async () => {
  redis = await RedisServer.start();
  replies = new Redis(redis.port, redis.host);
  said.length = 0;
  replies.on('error', () => undefined);
  replies.on('message', (_channel: string, text: string) => {
    said.push(text);
    heard.emit('reply');
  });
  await replies.subscribe(`${CHANNEL}:replies`);
});

afterEach(async () => {
  replies.disconnect();
  channels.splice(0).forEach((channel) => channel.stop());
  await Promise.all(nodes.splice(0).map(({ registry }) => registry.stop()));
  await redis.remove();
});

describe('replies', () => {
  test('come from the node that acted, as one line of JSON each; the others are silent', async () => {
    const executed: Command[] = [];
    const act = (command: Command) => {
      executed.push(command);
      return { acted: true, detail: 'publisher disconnected' };
    };
    const idle = await listen({ node: 'idle' });
    await listen({ node: 'owner', execute: act });
    await redis.publish(CHANNEL, 'kill-session>ch');
    await idle.waitFor(/kill-session had no effect/);
    const expected = { node: 'owner', command: 'kill-session', channel: 'ch', acted: true };
    expect(await repliesUntil(1)).toEqual([
      { ...expected, detail: 'publisher disconnected', at: expect.stringMatching(/^\d{4}-.*Z$/) },
    ]);
    await redis.publish(CHANNEL, 'close-stream>ch|id');
    expect(await repliesUntil(2)).toMatchObject([{}, { command: 'close-stream', node: 'owner' }]);
    expect(said.some((line) => line.includes('\n'))).toBe(false);
  });

  test('tell of streams that were asked for', async () => {
    const streams = [{ channel: 'ch', streamId: 'id', client: '192.0.2.1', players: 2 }];
    await listen({ node: 'a', execute: () => ({ acted: true, detail: '1 streams are live', streams }) });
    await redis.publish(CHANNEL, 'list>');
    expect(await repliesUntil(1)).toMatchObject([{ node: 'a', command: 'list', channel: '', streams }]);
  });

  test('are not sent by a node that is alone', async () => {
    const alone = await listen({ execute: () => ({ acted: true, detail: 'done' }) });
    await listen({ node: 'a', execute: () => ({ acted: true, detail: 'done' }) });
    await redis.publish(CHANNEL, 'kill-session>ch');
    await alone.waitFor(/kill-session done/);
    expect(await repliesUntil(1)).toHaveLength(1);
  });
});

describe('a command', () => {
  test('is remembered before it is carried out', async () => {
    const steps: string[] = [];
    const logger = await listen({
      remember: (command) => {
        steps.push(`remember ${command.verb}`);
        return Promise.resolve(true);
      },
      execute: (command) => {
        steps.push(`execute ${command.verb}`);
        return { acted: true, detail: 'done' };
      },
    });
    await redis.publish(CHANNEL, 'kill-session>ch');
    await logger.waitFor(/kill-session done/);
    expect(steps).toEqual(['remember kill-session', 'execute kill-session']);
  });

  test('to block is answered once for the fleet, by the first node that puts it into force', async () => {
    const [a, b] = await Promise.all([
      RecordingNode.start({ port: redis.port }),
      RecordingNode.start({ port: redis.port }),
    ]);
    nodes.push(a, b);
    const logs = await Promise.all(
      nodes.map(({ registry }) =>
        listen({ node: registry.self.id, remember: (command) => registry.remember(command) }),
      ),
    );
    await redis.publish(CHANNEL, 'block>ch|600');
    await redis.publish(CHANNEL, 'unblock>ch');
    await Promise.all(logs.map((log) => log.waitFor(/Redis command unblock/)));
    expect(await repliesUntil(2)).toMatchObject([
      { command: 'block', channel: 'ch', detail: 'publishers are kept out for 600 s' },
      { command: 'unblock', channel: 'ch', detail: 'publishers are let in again' },
    ]);
  });

  test('that was given while a node did not listen is carried out when it listens again', async () => {
    const [a, b] = await Promise.all([
      RecordingNode.start({ port: redis.port }),
      RecordingNode.start({ port: redis.port }),
    ]);
    nodes.push(a, b);
    await a.publish('ch', 'stream-1');
    await listen({ node: 'b', remember: (command) => b.registry.remember(command) });
    await redis.publish(CHANNEL, 'kill-session>ch');
    while ((await redis.withClient((client) => client.get('{rtmp}:order:ch'))) === null);
    await listen({ node: 'a', subscribed: () => void a.registry.redeliverCommands() });
    await a.until(() => a.orders.length > 0);
    expect(a.orders).toEqual([{ kind: 'command', text: 'kill-session>ch' }]);
  });
});
