import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { CommandOutcome } from '../../../service/operators/command-handler';
import { Operators, type OperatorsOptions } from '../../../service/operators/operators';
import type { Command } from '../../../service/operators/command-parser';
import type { RedisConfig } from '../../../service/config/redis-settings';
import { loadServiceConfig } from '../../../service/config/service-config';
import type { LogFields } from '../../../service/logging/logger';
import { MemoryLogger } from '../../support/memory-logger';
import { RedisServer, type RedisServerOptions } from '../../support/servers/redis-server';
import { type TestCa, createTestCa } from '../../support/servers/test-ca';
import { PLAIN_NAMES } from '../../support/names';

const CHANNEL = 'rtmp_commands';
const LISTENING = /^info Listening for commands/;
const RECONNECT_MS = 20_000;

const servers: RedisServer[] = [];
const listeners: Operators[] = [];

async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await RedisServer.start(options);
  servers.push(server);
  return server;
}

/** Tells of each line, so that the second or third of a kind can be awaited. */
class CountingLogger extends MemoryLogger {
  private readonly lineCame = new EventEmitter();

  override info(message: string, fields?: LogFields): void {
    super.info(message, fields);
    this.lineCame.emit('line');
  }

  override error(message: string, fields?: LogFields): void {
    super.error(message, fields);
    this.lineCame.emit('line');
  }

  async waitForTimes(pattern: RegExp, times: number): Promise<void> {
    while (this.matching(pattern).length < times) {
      await once(this.lineCame, 'line');
    }
  }
}

interface Listener {
  readonly operators: Operators;
  readonly logger: MemoryLogger;
  readonly commands: Command[];
  /** Resolves when the channel has been subscribed that many times. */
  listening(times?: number): Promise<void>;
  /** Resolves with the command of that number, from 1, when it has been executed. */
  command(number: number): Promise<Command | undefined>;
}

function listen(
  redis: RedisServer,
  config: Partial<RedisConfig> = {},
  options: Partial<OperatorsOptions> = {},
): Listener {
  const logger = new CountingLogger();
  const commands: Command[] = [];
  const carryOut = (command: Command): CommandOutcome => {
    commands.push(command);
    return { acted: !('channel' in command) || command.channel !== 'nobody', detail: 'as the test says' };
  };
  const { host, port } = redis;
  const none = { username: undefined, password: undefined, tls: undefined };
  const operators = new Operators({
    names: PLAIN_NAMES,
    log: logger,
    carryOut,
    config: { host, port, ...none, channel: CHANNEL, ...config },
    ...options,
  });
  listeners.push(operators);
  return {
    operators,
    logger,
    commands,
    listening: (times = 1) => logger.waitForTimes(LISTENING, times),
    command: async (number) => {
      await logger.waitForTimes(/Redis command [a-z-]+ (done|had no effect|failed)/, number);
      return commands[number - 1];
    },
  };
}

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((operators) => operators.stop()));
  await Promise.all(servers.splice(0).map((server) => server.remove()));
});

describe('commands on the Redis channel', () => {
  test('are executed in order, and the log says what came of each', async () => {
    const redis = await startRedis();
    const listener = listen(redis);
    await listener.listening();
    expect(listener.operators.connected).toBe(true);
    expect(await redis.publish(CHANNEL, 'kill-session>ch1')).toBe(1);
    await redis.publish(CHANNEL, 'close-stream>nobody|id 1');
    await listener.command(2);
    expect(listener.commands).toEqual([
      { verb: 'kill-session', channel: 'ch1' },
      { verb: 'close-stream', channel: 'nobody', streamIds: ['id 1'] },
    ]);
    expect(listener.logger.matching(/^info .*kill-session done: as the test says .*"ch1"/)).toHaveLength(1);
    expect(listener.logger.matching(/^info .*close-stream had no effect: .*"nobody".*"id 1"/)).toHaveLength(1);
  });

  test('are reported with what came of them in the end, blocks that took effect as well', async () => {
    const redis = await startRedis();
    const handled: string[] = [];
    const listener = listen(
      redis,
      {},
      {
        carryOut: () => ({ acted: false, detail: 'no stream is live' }),
        remember: (command) => Promise.resolve('channel' in command && command.channel === 'ch'),
        counted: (verb, result) => void handled.push(`${verb} ${result}`),
      },
    );
    await listener.listening();
    for (const command of ['block>ch|60', 'unblock>ch', 'unblock>other', 'kill-session>ch'])
      await redis.publish(CHANNEL, command);
    await listener.logger.waitFor(/Redis command kill-session/);
    expect(handled.sort()).toEqual(['block done', 'kill-session no_effect', 'unblock done', 'unblock no_effect']);
  });

  test('that are malformed are logged and ignored, and the next good one works', async () => {
    const redis = await startRedis();
    const listener = listen(redis);
    await listener.listening();
    const bad = ['', 'hello', 'kill-session', 'kill-session>', 'close-stream>ch', 'restart>ch', '>>>', '\u0000|'];
    for (const message of bad) {
      await redis.publish(CHANNEL, message);
    }
    await redis.publish(CHANNEL, 'kill-session>ch1');
    await expect(listener.command(1)).resolves.toEqual({ verb: 'kill-session', channel: 'ch1' });
    expect(listener.logger.matching(/^warning Redis command ignored: /)).toHaveLength(bad.length);
  });

  test('that fail when executed are logged, and the next one works', async () => {
    const redis = await startRedis();
    let calls = 0;
    const carryOut = (): CommandOutcome => {
      calls += 1;
      if (calls === 1) {
        throw new Error('a fault of the test');
      }
      return { acted: true, detail: 'fine' };
    };
    const listener = listen(redis, {}, { carryOut });
    await listener.listening();
    await redis.publish(CHANNEL, 'kill-session>ch1');
    await redis.publish(CHANNEL, 'kill-session>ch1');
    await listener.command(2);
    expect(listener.logger.matching(/^error .*kill-session failed: a fault of the test/)).toHaveLength(1);
  });

  test('of a flood are looked at a few at a time, so that streams have their turn in between', async () => {
    const redis = await startRedis();
    let leftOut = 0;
    const listener = listen(redis, {}, { counted: (_verb, result) => void (leftOut += result === 'left_out' ? 1 : 0) });
    await listener.listening();
    const sent = 5_000;
    const published = redis.withClient((client) => {
      const batch = client.pipeline();
      for (let i = 0; i < sent; i += 1) batch.publish(CHANNEL, 'x'.repeat(5_000));
      return batch.exec();
    });
    let most = 0;
    while (leftOut < sent) {
      const before = leftOut;
      await new Promise(setImmediate);
      most = Math.max(most, leftOut - before);
    }
    await published;
    // A read is 64 KB at most; without a limit the event loop would read 32 times in a row.
    expect(most).toBeLessThan(60);
  });

  test('are heard on the configured channel only', async () => {
    const redis = await startRedis();
    const listener = listen(redis, { channel: 'my:channel' });
    await listener.listening();
    expect(await redis.publish(CHANNEL, 'kill-session>wrong')).toBe(0);
    expect(await redis.publish('my:channel', 'kill-session>right')).toBe(1);
    await expect(listener.command(1)).resolves.toHaveProperty('channel', 'right');
  });

  test('are no longer heard after stop', async () => {
    const redis = await startRedis();
    const listener = listen(redis);
    await listener.listening();
    await listener.operators.stop();
    expect(listener.operators.connected).toBe(false);
    await redis.stop();
    expect(listener.logger.matching(/^warning/)).toHaveLength(0);
  });
});

describe('when Redis', () => {
  test.each(['stop', 'kill'] as const)('goes (%s) and comes back, so does the subscription', async (how) => {
    const redis = await startRedis();
    const listener = listen(redis);
    await listener.listening();
    await redis[how]();
    await listener.logger.waitFor(/^warning Redis at .* cannot be used/);
    expect(listener.operators.connected).toBe(false);
    await redis.start();
    await listener.listening(2);
    await redis.publish(CHANNEL, 'kill-session>ch1');
    await expect(listener.command(1)).resolves.toHaveProperty('channel', 'ch1');
    await listener.logger.waitFor(/^info Redis at .* is back/);
    expect(listener.logger.matching(/^warning/)).toHaveLength(1);
    expect(listener.logger.matching(/is back/)).toHaveLength(1);
  });

  test('is down at the start, commands are heard once it is there', async () => {
    const redis = await startRedis();
    await redis.stop();
    const listener = listen(redis);
    await listener.logger.waitFor(/^warning .*ECONNREFUSED/);
    expect(listener.operators.connected).toBe(false);
    await redis.start();
    await listener.listening();
    await redis.publish(CHANNEL, 'kill-session>ch1');
    await expect(listener.command(1)).resolves.toHaveProperty('channel', 'ch1');
    expect(listener.logger.matching(/^warning/)).toHaveLength(1);
  });

  test('closes the connection alone, it is opened anew', async () => {
    const redis = await startRedis();
    const listener = listen(redis);
    await listener.listening();
    await redis.withClient((client) => client.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
    await listener.listening(2);
    expect(await redis.publish(CHANNEL, 'kill-session>ch1')).toBe(1);
  });

  test('falls silent with the connection open, that is noticed', async () => {
    const redis = await startRedis();
    const livenessCheck = { pingIntervalMs: 50, answerTimeoutMs: 300 };
    const listener = listen(redis, {}, { livenessCheck });
    await listener.listening();
    redis.suspend();
    await listener.logger.waitFor(/^warning Redis at .* cannot be used/);
    redis.resume();
    await listener.listening(2);
    expect(listener.operators.connected).toBe(true);
  });

  test('stays away, the log is not filled', async () => {
    const redis = await startRedis();
    const listener = listen(redis);
    await listener.listening();
    await redis.stop();
    // A different server on its port, whose connections are useless.
    const useless = createServer((socket) => socket.on('error', () => undefined).end('-ERR max clients reached\r\n'));
    useless.listen(redis.port, redis.host);
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await once(useless, 'connection');
    }
    useless.close();
    expect(listener.logger.matching(/^(warning|error)/)).toHaveLength(1);
  });
});

describe('authentication', () => {
  test('with a password works', async () => {
    const redis = await startRedis({ password: 'open sesame' });
    const listener = listen(redis, { password: 'open sesame' });
    await listener.listening();
    expect(await redis.publish(CHANNEL, 'kill-session>ch1')).toBe(1);
  });

  test.each([
    ['a wrong password', 'not-this-one', /^warning .*WRONGPASS/],
    ['no password', undefined, /^warning .*NOAUTH/],
  ])('with %s is reported, and tried until it is right', async (_name, password, cause) => {
    const redis = await startRedis({ password: 'first' });
    const listener = listen(redis, { password });
    await listener.logger.waitFor(cause);
    expect(listener.operators.connected).toBe(false);
    await redis.withClient((client) => client.config('SET', 'requirepass', password ?? ''));
    await listener.logger.waitFor(LISTENING, RECONNECT_MS);
    await listener.logger.waitFor(/^info Redis at .* is back/, RECONNECT_MS);
    expect(listener.logger.matching(/^warning .*cannot be used/)).toHaveLength(1);
    expect(listener.logger.lines.join('\n')).not.toContain('not-this-one');
  });

  test('as an ACL user that may do nothing but listen works', async () => {
    const acl = ['user default on nopass ~* &* +@all', `user rtmp on >pw resetchannels &${CHANNEL} -@all +subscribe`];
    const redis = await startRedis({ acl });
    const listener = listen(redis, { username: 'rtmp', password: 'pw' });
    await listener.listening();
    await redis.publish(CHANNEL, 'kill-session>ch1');
    await expect(listener.command(1)).resolves.toHaveProperty('channel', 'ch1');
    await listener.logger.waitFor(/^info Connected to Redis/);
    expect(listener.logger.matching(/^(warning|error)/)).toHaveLength(0);
  });

  test('as an ACL user that may not listen on the channel is reported', async () => {
    const acl = ['user default on nopass ~* &* +@all', 'user rtmp on >pw resetchannels &other +@all'];
    const redis = await startRedis({ acl });
    const listener = listen(redis, { username: 'rtmp', password: 'pw' });
    await listener.logger.waitFor(/^warning Redis refuses the subscription.*NOPERM/);
    expect(listener.operators.connected).toBe(false);
    await redis.withClient((client) => client.call('ACL', 'SETUSER', 'rtmp', `&${CHANNEL}`));
    await listener.logger.waitFor(LISTENING, RECONNECT_MS);
  });

  test('knows the RESP2 way only, so that a server without HELLO will do', async () => {
    const acl = ['user default on >old ~* &* +@all -hello'];
    const redis = await startRedis({ acl });
    const listener = listen(redis, { password: 'old' });
    await listener.listening();
    const delivered = await redis.withClient((client) => client.publish(CHANNEL, 'kill-session>ch1'), {
      password: 'old',
      protocol: 2,
    });
    expect(delivered).toBe(1);
    await listener.command(1);
  });
});

describe('TLS', () => {
  let ca: TestCa;
  let stranger: TestCa;
  beforeAll(() => {
    ca = createTestCa();
    stranger = createTestCa();
  });
  afterAll(() => {
    ca.remove();
    stranger.remove();
  });

  test('with the authority of the server works, also after a restart', async () => {
    const redis = await startRedis({ tls: ca, password: 'pw' });
    const listener = listen(redis, { tls: { ca: ca.ca }, password: 'pw' });
    await listener.listening();
    await redis.publish(CHANNEL, 'kill-session>ch1');
    await listener.command(1);
    await redis.kill();
    await redis.start();
    await listener.listening(2);
    await redis.publish(CHANNEL, 'kill-session>ch2');
    await expect(listener.command(2)).resolves.toHaveProperty('channel', 'ch2');
  });

  test.each(['REDIS_TLS_CA', 'SSL_CERT_FILE'])('with the authority that %s names works', async (variable) => {
    const redis = await startRedis({ tls: ca });
    const env = { REDIS_USE: 'YES', REDIS_TLS: 'YES', REDIS_PORT: String(redis.port), [variable]: ca.caPath };
    const listener = listen(redis, loadServiceConfig(env).config.redis);
    await listener.listening();
    expect(await redis.publish(CHANNEL, 'kill-session>ch1')).toBe(1);
  });

  test('that the server does not speak, or expects, is a question of REDIS_TLS', async () => {
    const plain = await startRedis();
    const secured = await startRedis({ tls: ca });
    const loggers = [listen(plain, { tls: { ca: ca.ca } }), listen(secured)].map(({ logger }) => logger);
    const lines = await Promise.all(loggers.map((logger) => logger.waitFor(/cannot be used/, RECONNECT_MS)));
    expect(lines.map(({ message }) => /REDIS_TLS=(\w+)/.exec(message)?.[1])).toEqual(['NO', 'YES']);
  });

  test.each([
    ['another authority', () => stranger.ca],
    ["Node's own authorities", () => undefined],
  ])('with %s is refused before the password is sent', async (_name, trusted) => {
    const redis = await startRedis({ tls: ca, password: 'pw' });
    const listener = listen(redis, { tls: { ca: trusted() }, password: 'pw' });
    await listener.logger.waitFor(/^warning Redis at .* cannot be used.*certificate/);
    expect(listener.operators.connected).toBe(false);
    const stats = await redis.withClient((client) => client.info('commandstats'));
    expect(stats).not.toMatch(/cmdstat_(auth|subscribe)/);
  });
});
