import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SecretSource } from '../../../service/aws/secret-source';
import { Operators } from '../../../service/operators/operators';
import { MemoryLogger } from '../../support/memory-logger';
import { RedisServer } from '../../support/servers/redis-server';
import { ManualClock } from '../time/manual-clock';
import { PLAIN_NAMES } from '../../support/names';

const CHANNEL = 'rtmp_commands';
const STORED = {
  arn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:x',
  region: 'eu-west-1',
  field: 'password',
};

let redis: RedisServer;
let log: MemoryLogger;
let clock: ManualClock;
let stored: () => Promise<string>;
let password: SecretSource;
let operators: Operators;
beforeEach(async () => {
  redis = await RedisServer.start({ password: 'first' });
  log = new MemoryLogger();
  clock = new ManualClock();
  stored = () => Promise.resolve('first');
});
afterEach(async () => {
  await operators.stop();
  password.close();
  await redis.remove();
});

function listen(username?: string): void {
  password = new SecretSource({
    name: 'REDIS_PASSWORD_ARN',
    read: () => stored(),
    refreshMs: 300_000,
    log,
    clock,
  });
  operators = new Operators({
    names: PLAIN_NAMES,
    config: { host: redis.host, port: redis.port, username, password: STORED, tls: undefined, channel: CHANNEL },
    password,
    log,
    carryOut: () => ({ acted: true, detail: 'as the test says' }),
  });
}

/** An operator's action; `login` is the current password. */
const asOperator = (login: string, ...command: [string, ...string[]]): Promise<unknown> =>
  redis.withClient((client) => client.call(...command), { password: login });

async function expectCommandHeard(login: string): Promise<void> {
  const heard = log.matching(/kill-session done/).length;
  await asOperator(login, 'PUBLISH', CHANNEL, 'kill-session>ch1');
  while (log.matching(/kill-session done/).length === heard) await new Promise(setImmediate);
}

/** The password changes, and all connected clients have to log in again. */
async function rotate(to: string): Promise<void> {
  await asOperator('first', 'CONFIG', 'SET', 'requirepass', to);
  await asOperator(to, 'CLIENT', 'KILL', 'TYPE', 'pubsub');
}

describe('a Redis password kept in a secret', () => {
  test.each([undefined, 'default'])('opens the channel, for the user %s', async (username) => {
    listen(username);
    await log.waitFor(/^info Listening for commands/);
    await expectCommandHeard('first');
  });

  test('that cannot be read at first opens it as soon as it can', async () => {
    stored = () => Promise.reject(new Error('keeper is away'));
    listen();
    await log.waitFor(/^warning REDIS_PASSWORD_ARN cannot be read/);
    expect(operators.connected).toBe(false);
    // No client has tried to log in without a password; the test's client sends HELLO.
    expect(await redis.withClient((client) => client.info('commandstats'))).not.toContain('cmdstat_auth');
    stored = () => Promise.resolve('first');
    await clock.advance(10_000);
    await log.waitFor(/^info Listening for commands/);
    await expectCommandHeard('first');
  });

  test('that was rotated is read anew when the old one is refused, and the channel is back', async () => {
    listen();
    await log.waitFor(/^info Listening for commands/);
    await clock.advance(20_000);
    stored = () => Promise.resolve('second');
    await rotate('second');
    await log.waitFor(/^info Redis at .* is back/, 15_000);
    await expectCommandHeard('second');
    expect(log.lines.join()).not.toMatch(/"?(first|second)"?[^a-z]/);
  });

  test('that was rotated in time serves the next connection without a refusal', async () => {
    listen();
    await log.waitFor(/^info Listening for commands/);
    stored = () => Promise.resolve('second');
    await clock.advance(300_000);
    await log.waitFor(/REDIS_PASSWORD_ARN has changed/);
    expect(operators.connected).toBe(true);
    await rotate('second');
    await log.waitFor(/^info Redis at .* is back/, 15_000);
    await expectCommandHeard('second');
    expect(log.matching(/WRONGPASS/)).toEqual([]);
  });
});
