import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { commandPort, exchangeCommand } from '../../lambdas/operator/command-exchange';
import { createOperatorHandler, type OperatorHandler } from '../../lambdas/operator/operator-handler';
import { ReadExchange } from '../../service/operators/exchange/read-exchange';
import { type OperatorStack, startOperatorStack } from '../support/aws/operator-stack';
import { STAND_IN_CREDENTIALS, STAND_IN_REGION } from '../support/aws/stand-in-identity';
import { useEnvironment } from '../support/environment';
import { MemoryLogger } from '../support/memory-logger';
import { FleetOfFile } from '../support/servers/fleet';
import { freePort, redisKinds, RedisServer } from '../support/servers/redis-server';
import { ServerProcess } from '../support/servers/server-process';
import { cli, type CliRun, type CliRunOptions } from './cli-runner';

const TOKEN = 'a-token-for-the-tests-of-the-program';
const environment = useEnvironment();

type Run = (argv: readonly string[], options?: CliRunOptions) => Promise<CliRun>;

/** The JSON that was printed. */
function parsed({ code, out, err }: CliRun): unknown {
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}

describe.each(redisKinds)('a fleet of two nodes with a %s Redis', (kind) => {
  const file = FleetOfFile.start({ nodes: 2, redis: { kind }, environment: { OPERATOR_TOKEN: TOKEN } });
  let stack: OperatorStack;
  let operate: OperatorHandler;

  beforeAll(async () => {
    const { redis } = file.fleet;
    const { username, password } = redis.login('operator');
    const reach = {
      address: { host: redis.host, port: redis.port, username, tls: undefined },
      password,
      channel: 'rtmp_commands',
    };
    operate = createOperatorHandler({
      exchange: (request) => exchangeCommand(request, reach),
      read: async (path) => {
        const exchange = new ReadExchange(commandPort(reach));
        return exchange.read(path).finally(() => exchange.close());
      },
      audit: { write: () => Promise.resolve() },
      log: new MemoryLogger(),
    });
    stack = await startOperatorStack('RtmpTest-Callback', (event) => operate(event, 'request'));
    await Promise.all(file.fleet.nodes.map((node) => node.waitForLog(/Listening for commands/)));
  });
  afterAll(() => stack.stop());

  const byNode: Run = (argv, options) =>
    cli([...argv, '--node', file.fleet.node(1).httpUrl('')], { env: { OPERATOR_TOKEN: TOKEN }, ...options });
  const byRedis: Run = (argv, options) => {
    const { redis } = file.fleet;
    const { username, password } = redis.login('operator');
    const env = { REDIS_PORT: String(redis.port), REDIS_USERNAME: username, REDIS_PASSWORD: password };
    return cli([...argv, '--redis'], { env, ...options });
  };
  const byAws: Run = (argv, options) => {
    environment.set({
      AWS_REGION: STAND_IN_REGION,
      AWS_ACCESS_KEY_ID: STAND_IN_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: STAND_IN_CREDENTIALS.secretAccessKey,
      AWS_ENDPOINT_URL: stack.endpoint,
    });
    return cli([...argv, '--aws', 'RtmpTest'], options);
  };

  describe.each([
    ['a node', byNode],
    ['Redis', byRedis],
    ['AWS', byAws],
  ])('by %s', (_name, run) => {
    test('streams of all nodes are shown, whichever node answers', async () => {
      const { fleet } = file;
      const [one, two] = [fleet.newChannel(), fleet.newChannel()];
      await fleet.publisher(0, one);
      await fleet.publisher(1, two);
      const { streams } = parsed(await run(['streams', '--json'])) as { streams: { channel: string; node: string }[] };
      const shown = streams.map(({ channel, node }) => [channel, node]);
      expect(shown).toEqual(
        expect.arrayContaining([
          [one, 'n0'],
          [two, 'n1'],
        ]),
      );
      const detail = parsed(await run(['stream', two, '--json']));
      expect(detail).toMatchObject({ channel: two, node: 'n1', client: { address: '127.0.0.1' } });
    }, 60_000);

    test('nodes and what has happened are shown', async () => {
      const { nodes } = parsed(await run(['nodes', '--json'])) as { nodes: { id: string; reachable: boolean }[] };
      expect(nodes.map(({ id, reachable }) => [id, reachable]).sort()).toEqual([
        ['n0', true],
        ['n1', true],
      ]);
      const channel = file.fleet.newChannel();
      await file.fleet.publisher(0, channel);
      const { code, out } = await run(['events', '--channel', channel]);
      expect(code).toBe(0);
      expect(out).toMatch(new RegExp(`${channel}  publishes, from 127\\.0\\.0\\.1`));
    }, 60_000);

    test('a block ends the stream and is explained, until it is lifted', async () => {
      const channel = file.fleet.newChannel();
      const publisher = await file.fleet.publisher(1, channel);
      const blocked = await run(['block', channel, '--for', '10m']);
      expect(blocked.out).toMatch(/^✓ block .*publishers are kept out for 600 s/);
      expect(blocked.code).toBe(0);
      await publisher.connection.closed;
      await expect(file.fleet.publisher(0, channel)).rejects.toThrow(/blocked|closed/);
      const { out } = await run(['explain', channel]);
      expect(out).toMatch(new RegExp(`^${channel}: blocked\\. Blocked by an operator`));
      expect((await run(['unblock', channel])).code).toBe(0);
      await file.fleet.publisher(0, channel);
    }, 60_000);

    test('end and close end the stream; without an effect they say so, with exit code 4', async () => {
      const channel = file.fleet.newChannel();
      const publisher = await file.fleet.publisher(0, channel);
      expect((await run(['close', channel, 'another-id'])).code).toBe(4);
      expect(await run(['end', channel])).toMatchObject({
        code: 0,
        out: expect.stringContaining('publisher disconnected'),
      });
      await publisher.connection.closed;
      expect(await run(['end', channel])).toMatchObject({
        code: 4,
        out: expect.stringMatching(/^✗ end .*No stream is live/),
      });
      expect((await run(['stream', channel])).code).toBe(4);
    }, 60_000);

    test('events are followed as they happen', async () => {
      const channel = file.fleet.newChannel();
      await file.fleet.publisher(0, channel);
      const stop = new AbortController();
      let connected: () => void = () => undefined;
      const begun = new Promise<void>((resolve) => (connected = resolve));
      const running = run(['events', '--follow', '--channel', channel], {
        signal: stop.signal,
        wrote: (text) => {
          connected();
          if (text.includes('ended')) stop.abort();
        },
      });
      await begun;
      await run(['end', channel]);
      expect((await running).out).toMatch(/ended after \d+s: /);
    }, 60_000);
  });

  test('AWS: orders are given as the commands that the function records, and nothing else is', async () => {
    const before = stack.events.length;
    await byAws(['end', 'nothing']);
    await byAws(['close', 'nothing', 'id-7']);
    await byAws(['block', 'nothing', '--for', '60']);
    await byAws(['unblock', 'nothing']);
    await byAws(['drain', 'nobody']);
    expect(stack.events.slice(before)).toEqual([
      { command: 'kill', channel: 'nothing' },
      { command: 'close', channel: 'nothing', streamId: 'id-7' },
      { command: 'block', channel: 'nothing', seconds: 60 },
      { command: 'unblock', channel: 'nothing' },
      { command: 'drain', node: 'nobody' },
    ]);
    const forward = await byAws(['forward', 'nothing', 'rtmp://host/app/s3cr3t']);
    expect(forward).toMatchObject({ code: 1, err: expect.stringContaining('from a node alone: use --node') });
    expect(JSON.stringify(stack.events)).not.toContain('s3cr3t');
  }, 60_000);
});

test('AWS: no such stack, and wrong credentials', async () => {
  const stack = await startOperatorStack('RtmpTest-Callback', () => Promise.reject(new Error('not called')));
  try {
    environment.set({
      AWS_REGION: STAND_IN_REGION,
      AWS_ENDPOINT_URL: stack.endpoint,
      AWS_ACCESS_KEY_ID: STAND_IN_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: STAND_IN_CREDENTIALS.secretAccessKey,
    });
    expect(await cli(['nodes', '--aws', 'RtmpProd'])).toMatchObject({
      code: 4,
      err: expect.stringContaining('There is no stack RtmpProd-Callback'),
    });
    environment.set({ AWS_SECRET_ACCESS_KEY: 'wrong' });
    expect(await cli(['nodes', '--aws', 'RtmpTest'])).toMatchObject({
      code: 5,
      err: expect.stringContaining('cannot be reached'),
    });
  } finally {
    await stack.stop();
  }
});

test('the function of a deployment of an earlier release is told apart', async () => {
  const stack = await startOperatorStack('RtmpTest-Callback', () =>
    Promise.reject(new Error('command must be one of kill')),
  );
  try {
    environment.set({
      AWS_REGION: STAND_IN_REGION,
      AWS_ENDPOINT_URL: stack.endpoint,
      AWS_ACCESS_KEY_ID: STAND_IN_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: STAND_IN_CREDENTIALS.secretAccessKey,
    });
    const { code, err } = await cli(['nodes', '--aws', 'RtmpTest-Callback']);
    expect(code).toBe(1);
    expect(err).toContain('deploy the stacks again');
  } finally {
    await stack.stop();
  }
});

describe('Redis', () => {
  test('nobody there: exit code 3 and which setting to look at', async () => {
    const { code, err } = await cli(['nodes', '--redis'], { env: { REDIS_PORT: String(await freePort()) } });
    expect(code).toBe(3);
    expect(err).toMatch(/ECONNREFUSED.*are REDIS_HOST and REDIS_PORT right\?/);
  });

  test('a single node, with workers or without, is read through Redis; it takes orders, but does not reply', async () => {
    const redis = await RedisServer.start();
    const env = { REDIS_PORT: String(redis.port) };
    try {
      expect(await cli(['nodes', '--redis'], { env })).toMatchObject({
        code: 3,
        err: expect.stringContaining('REDIS_USE=YES'),
      });
      for (const more of [{}, { WORKERS: '2' }]) {
        const server = await ServerProcess.start({
          REDIS_USE: 'YES',
          REDIS_PORT: String(redis.port),
          HTTP_PORT: '0',
          ...more,
        });
        await server.waitForMatches(/Listening for commands/g, 'WORKERS' in more ? 3 : 1);
        const { nodes } = parsed(await cli(['nodes', '--redis', '--json'], { env })) as { nodes: object[] };
        expect(nodes).toHaveLength('WORKERS' in more ? 2 : 1);
        const ended = await cli(['end', 'nothing', '--redis'], { env });
        expect(ended).toMatchObject({ code: 0, out: expect.stringContaining('nodes without FLEET do not') });
        await server.stop();
      }
    } finally {
      await redis.remove();
    }
  }, 120_000);
});
