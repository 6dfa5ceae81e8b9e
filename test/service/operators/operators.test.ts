import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type CommandedMember, Operators, type OperatorsOptions } from '../../../service/operators/operators';
import { MAX_MESSAGE_LENGTH } from '../../../service/operators/command-intake';
import { LifeNode } from '../leases/redis/life-node';
import { MemoryLogger } from '../../support/memory-logger';
import { RedisServer } from '../../support/servers/redis-server';
import { PLAIN_NAMES } from '../../support/names';

const CHANNEL = 'rtmp_commands';

let redis: RedisServer;
let replies: Redis;
const said: string[] = [];
const heard = new EventEmitter();
const running: Operators[] = [];
const nodes: LifeNode[] = [];

/** Waits for that many replies, and gives them. */
async function repliesUntil(count: number): Promise<unknown[]> {
  while (said.length < count) await once(heard, 'reply');
  return said.map((line) => JSON.parse(line) as unknown);
}

function member(id: string, registered: readonly string[] = []): CommandedMember {
  return { id, known: () => registered, registered: () => Promise.resolve(registered) };
}

function byNode(one: unknown, other: unknown): number {
  return (one as { node: string }).node.localeCompare((other as { node: string }).node);
}

function open(options: Partial<OperatorsOptions> = {}): { operators: Operators; log: MemoryLogger } {
  const log = new MemoryLogger();
  const none = { username: undefined, password: undefined, tls: undefined };
  const operators = new Operators({
    names: PLAIN_NAMES,
    config: { host: redis.host, port: redis.port, ...none, channel: CHANNEL },
    log,
    carryOut: () => ({ acted: false, detail: 'nothing here' }),
    ...options,
  });
  running.push(operators);
  return { operators, log };
}

async function listen(options: Partial<OperatorsOptions> = {}): Promise<MemoryLogger> {
  const { log } = open(options);
  await log.waitFor(/Listening for commands/);
  return log;
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
  await Promise.all(running.splice(0).map((operators) => operators.stop()));
  await Promise.all(nodes.splice(0).map(({ store }) => store.stop()));
  await redis.remove();
});

describe('replies', () => {
  test('come from each node, whether it acted or not, as one line of JSON each', async () => {
    const act = () => ({ acted: true, detail: 'publisher disconnected' });
    await listen({ member: member('idle') });
    await listen({ member: member('owner'), carryOut: act });
    await redis.publish(CHANNEL, 'kill-session>ch');
    const about = { command: 'kill-session', channel: 'ch', order: 'kill-session>ch' };
    const at = expect.stringMatching(/^\d{4}-.*Z$/) as unknown;
    expect((await repliesUntil(2)).sort(byNode)).toEqual([
      { ...about, node: 'idle', acted: false, detail: 'nothing here', at },
      { ...about, node: 'owner', acted: true, detail: 'publisher disconnected', at },
    ]);
    expect(said.some((line) => line.includes('\n'))).toBe(false);
  });

  test('of some nodes say who is registered', async () => {
    const all = ['n1', 'n2', 'n3', 'n4', 'n5'];
    for (const id of all) await listen({ member: member(id, all) });
    await redis.publish(CHANNEL, 'list>');
    const tellers = (await repliesUntil(8)).filter((reply) => 'nodes' in Object(reply)).sort(byNode);
    expect(tellers).toEqual(['n1', 'n2', 'n3'].map((node) => ({ node, order: 'list>', nodes: all })));
  });

  test('tell of streams that were asked for', async () => {
    const streams = [{ channel: 'ch', streamId: 'id', client: '192.0.2.1', players: 2 }];
    await listen({ member: member('a'), carryOut: () => ({ acted: true, detail: '1 stream is live', streams }) });
    await redis.publish(CHANNEL, 'list>');
    expect(await repliesUntil(1)).toMatchObject([{ node: 'a', command: 'list', channel: '', streams }]);
  });

  test('are not sent by a node that is alone', async () => {
    const alone = await listen({ carryOut: () => ({ acted: true, detail: 'done' }) });
    await listen({ member: member('a'), carryOut: () => ({ acted: true, detail: 'done' }) });
    await redis.publish(CHANNEL, 'kill-session>ch');
    await alone.waitFor(/kill-session done/);
    expect(await repliesUntil(1)).toHaveLength(1);
  });
});

describe('a command', () => {
  test('is remembered before it ends the stream', async () => {
    const steps: string[] = [];
    const logger = await listen({
      remember: (command) => {
        steps.push(`remember ${command.verb}`);
        return Promise.resolve(true);
      },
      carryOut: () => ({ acted: true, detail: 'done', end: () => void steps.push('end the stream') }),
    });
    await redis.publish(CHANNEL, 'kill-session>ch');
    await logger.waitFor(/kill-session done/);
    expect(steps).toEqual(['remember kill-session', 'end the stream']);
  });

  test('to block is answered once for the fleet, by the first node that puts it into force', async () => {
    const [a, b] = await Promise.all([LifeNode.start({ port: redis.port }), LifeNode.start({ port: redis.port })]);
    nodes.push(a, b);
    const logs = await Promise.all(
      nodes.map(({ store }) =>
        listen({ member: member(store.self.id), remember: (command) => store.remember(command) }),
      ),
    );
    await redis.publish(CHANNEL, 'block>ch|600');
    await redis.publish(CHANNEL, 'unblock>ch');
    await Promise.all(logs.map((log) => log.waitFor(/Redis command unblock/)));
    await repliesUntil(4);
    expect(said.map((line) => JSON.parse(line) as { acted: boolean }).filter(({ acted }) => acted)).toMatchObject([
      { command: 'block', channel: 'ch', detail: 'publishers are kept out for 600 s' },
      { command: 'unblock', channel: 'ch', detail: 'publishers are let in again' },
    ]);
  });

  test('that was given while a node did not listen is carried out when it listens again', async () => {
    const [a, b] = await Promise.all([LifeNode.start({ port: redis.port }), LifeNode.start({ port: redis.port })]);
    nodes.push(a, b);
    await a.publish('ch', 'stream-1');
    await listen({ member: member('b'), remember: (command) => b.store.remember(command) });
    await redis.publish(CHANNEL, 'kill-session>ch');
    while ((await redis.withClient((client) => client.get('{rtmp}:order:ch'))) === null);
    await listen({ member: member('a'), subscribed: () => void a.store.redeliverCommands() });
    await a.until(() => a.commands.length > 0);
    expect(a.commands).toEqual(['kill-session>ch']);
  });
});

describe('a redelivered command', () => {
  const done = { acted: true, detail: 'publisher disconnected' };

  test('leaves the log line, the count and the reply of one that was heard', async () => {
    const counts: string[] = [];
    const counted: OperatorsOptions['counted'] = (verb, result) => counts.push(`${verb} ${result}`);
    const { operators, log } = open({ member: member('a'), carryOut: () => done, counted });
    await log.waitFor(/Listening for commands/);
    await redis.publish(CHANNEL, 'close-stream>ch|id 1');
    const [first] = await repliesUntil(1);
    await operators.execute('close-stream>ch|id 1', 'redelivered');
    const [, second] = await repliesUntil(2);
    expect(first).toMatchObject({ node: 'a', command: 'close-stream', order: 'close-stream>ch|id 1', acted: true });
    const at = expect.any(String) as unknown;
    expect(second).toEqual({ ...Object(first), at });
    expect(counts).toEqual(['close-stream done', 'close-stream done']);
    const lines = log.matching(/Redis command/);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toEqual(lines[0]);
  });

  test('is not remembered again, and bars no publishers', async () => {
    const remembered: string[] = [];
    const { operators, log } = open({
      carryOut: () => done,
      remember: ({ verb }) => {
        remembered.push(verb);
        return Promise.resolve(true);
      },
    });
    await operators.execute('block>ch|600', 'redelivered');
    expect(remembered).toEqual([]);
    expect(log.matching(/block done: publisher disconnected \{/)).toHaveLength(1);
  });

  test('that makes no sense, or fails, is logged and does no harm', async () => {
    const carryOut = (): never => {
      throw new Error('a fault of the test');
    };
    const { operators, log } = open({ carryOut });
    await operators.execute('kill-session', 'redelivered');
    await operators.execute('kill-session>ch', 'redelivered');
    expect(log.matching(/^warning Redis command ignored: /)).toHaveLength(1);
    expect(log.matching(/^error .*kill-session failed: a fault of the test/)).toHaveLength(1);
  });

  test('that leaves nothing to do is not logged: a lifted block, and a drain that was heard before', async () => {
    let drains = 0;
    const carryOut = () => {
      drains += 1;
      return { acted: true, detail: 'draining' };
    };
    const { operators, log } = open({ carryOut });
    await operators.execute('drain>a', 'heard');
    await operators.execute('drain>a', 'redelivered');
    await operators.execute('unblock>ch', 'redelivered');
    expect(drains).toBe(1);
    expect(log.matching(/Redis command/)).toHaveLength(1);
  });
});

describe('a flood of commands', () => {
  test('is taken at a bounded rate, counted, and told of in one line', async () => {
    let taken = 0;
    let leftOut = 0;
    const logger = await listen({
      remember: () => {
        taken += 1;
        return Promise.resolve(true);
      },
      counted: (verb, result) => {
        if (`${verb} ${result}` === 'any left_out') leftOut += 1;
      },
    });
    const [FLOOD, BURST] = [5_000, 200];
    await redis.withClient(async (client) => {
      const flood = client.pipeline();
      for (let i = 0; i < FLOOD; i += 1) flood.publish(CHANNEL, 'kill-session>ch');
      await flood.exec();
    });
    await logger.waitFor(/commands are left out/);
    while (taken + leftOut < FLOOD) await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toBeGreaterThanOrEqual(BURST);
    expect(taken).toBeLessThan(FLOOD / 5);
    expect(logger.matching(/left out/)).toHaveLength(1);
  });

  test('neither are long ones looked at', async () => {
    const counts: string[] = [];
    const logger = await listen({ counted: (verb, result) => counts.push(`${verb} ${result}`) });
    await redis.publish(CHANNEL, `kill-session>${'x'.repeat(MAX_MESSAGE_LENGTH)}`);
    await logger.waitFor(/commands are left out/);
    await redis.publish(CHANNEL, 'kill-session>ch');
    await logger.waitFor(/kill-session had no effect/);
    expect(counts).toEqual(['any left_out', 'kill-session no_effect']);
  });
});
