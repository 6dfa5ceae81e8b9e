import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { repositoryRoot } from '../../infra/shared/repository';
import { cacheAccess } from '../../infra/cache/cache-access';
import { RedisServer } from '../support/servers/redis-server';
import { refusedInScripts, supportedCommands } from '../support/servers/serverless-commands';
import { templateOf } from './synthesize';
import { resourcesOf, text } from './template-queries';

/** The users of the synthesized template, in the form of an ACL file, each with its user id as password. */
function usersOfTemplate(): string[] {
  const users = resourcesOf(templateOf('CommandChannel', { env: 'prod' }), 'AWS::ElastiCache::User');
  return [...users.values()].map(({ Properties = {} }) => {
    const { UserName, UserId, AccessString } = Properties;
    return `user ${text(UserName)} ${text(AccessString)} >${text(UserId)}`;
  });
}

/** Every command that the service's Lua scripts call. */
function scriptCommands(): string[] {
  const folder = join(repositoryRoot, 'service');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /-scripts?\.ts$/.test(file),
  );
  const calls = sources.flatMap((file) => [
    ...readFileSync(join(folder, file), 'utf8').matchAll(/redis\.p?call\(\s*['"]([A-Za-z]+)/g),
  ]);
  return [...new Set(calls.map(([, name = '']) => name.toUpperCase()))].sort();
}

const service = { username: 'service', password: 'rtmp-prod-service' };
const operator = { username: 'operator', password: 'rtmp-prod-operator' };
const admin = { username: 'admin', password: 'admin' };
const publisher = { password: 'rtmp-prod-publisher' };

describe('the users of the cache, on a real server', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start({ acl: [...usersOfTemplate(), 'user admin on >admin ~* &* +@all'] });
  });

  afterAll(async () => {
    await server.remove();
  });

  const ask = (who: object, ...command: [string, ...string[]]) =>
    server.withClient(
      (client) => client.call(...command).then(String, (error: unknown) => (error as Error).message.split(' ')[0]),
      { ...who, enableReadyCheck: who === publisher },
    );

  test("the service keeps the fleet's registry, by script too", async () => {
    expect(await ask(service, 'SET', '{rtmp}:lease:news', 'node-1', 'PX', '1000', 'NX')).toBe('OK');
    const script = 'return redis.call("get", KEYS[1])';
    expect(await ask(service, 'EVAL', script, '1', '{rtmp}:lease:news')).toBe('node-1');
  });

  test('the service may do all that its scripts do, on keys of the fleet', async () => {
    const commands = scriptCommands();
    expect(commands.length).toBeGreaterThan(5);
    const verdicts = await server.withClient(async (client) => {
      const said: string[] = [];
      for (const command of commands) {
        const [info] = (await client.call('COMMAND', 'INFO', command)) as [string, number][];
        const values = Array.from({ length: Math.abs(info?.[1] ?? 1) - 2 }, () => '0');
        const args = info?.[1] === 1 ? [] : ['{rtmp}:x', ...values];
        said.push(`${command} ${String(await client.call('ACL', 'DRYRUN', 'service', command, ...args))}`);
      }
      return said;
    }, admin);
    expect(verdicts).toEqual(commands.map((command) => `${command} OK`));
  });

  test.each([
    ['service', service],
    ['operator', operator],
    ['an old publisher', publisher],
  ])('%s publishes orders', async (_, who) => {
    expect(await ask(who, 'PUBLISH', 'rtmp_commands', 'kill-session>news')).toBe('0');
  });

  test('the service hears orders and answers them', async () => {
    const heard = server.withClient(async (client) => {
      const message = new Promise<string>((resolve) =>
        client.once('message', (_, heardText: string) => resolve(heardText)),
      );
      await client.subscribe('rtmp_commands');
      await ask(operator, 'PUBLISH', 'rtmp_commands', 'kill-session>news');
      return message;
    }, service);
    expect(await heard).toBe('kill-session>news');
    expect(await ask(service, 'PUBLISH', 'rtmp_commands:replies', '{}')).toBe('0');
  });

  const refused: [string, object, [string, ...string[]]][] = [
    ['nobody reads other keys', service, ['GET', 'customers']],
    ['nobody reads other keys by script', service, ['EVAL', 'return redis.call("get", KEYS[1])', '1', 'customers']],
    ['nobody lists keys', service, ['SCAN', '0']],
    ['nobody lists keys by pattern', service, ['KEYS', '*']],
    ['nobody empties the cache', service, ['FLUSHALL']],
    ['nobody changes users', operator, ['ACL', 'LIST']],
    ['nobody changes settings', operator, ['CONFIG', 'GET', 'maxmemory']],
    ['nobody cuts others off', service, ['CLIENT', 'KILL', 'TYPE', 'normal']],
    ['nobody publishes elsewhere', operator, ['PUBLISH', 'news', 'x']],
    ['the operator function reads no records', operator, ['GET', '{rtmp}:lease:news']],
    ['the operator function runs no scripts', operator, ['EVAL', 'return 1', '0']],
    ['the operator function hears nothing of the registry', operator, ['SUBSCRIBE', '{rtmp}:channel news']],
    ['an old publisher has no keys at all', publisher, ['GET', '{rtmp}:lease:news']],
    ['an old publisher runs no scripts', publisher, ['EVAL', 'return 1', '0']],
  ];
  test.each(refused)('%s', async (_, who, command) => {
    expect(await ask(who, ...command)).toBe('NOPERM');
  });

  test('a wrong password opens nothing', async () => {
    const answer = server.withClient((client) => client.ping(), {
      ...service,
      password: 'wrong',
      maxRetriesPerRequest: 0,
    });
    await expect(answer).rejects.toThrow();
  });
});

describe('on ElastiCache Serverless', () => {
  const granted = (access: string): string[] =>
    access
      .split(' ')
      .filter((rule) => rule.startsWith('+'))
      .map((rule) => rule.slice(1));

  test.each(Object.entries(cacheAccess('rtmp_commands')))('the rights of %s name only commands it has', (_, access) => {
    expect(granted(access).length).toBeGreaterThan(3);
    expect(granted(access).filter((command) => !supportedCommands.has(command))).toEqual([]);
  });

  test('scripts call only what scripts may', () => {
    const commands = scriptCommands().map((command) => command.toLowerCase());
    expect(commands.filter((name) => !supportedCommands.has(name) || refusedInScripts.includes(name))).toEqual([]);
  });

  test('the service may do what it does, and nothing else', () => {
    const outside = ['ping', 'client|setname', 'publish', 'subscribe', 'unsubscribe', 'eval', 'evalsha', 'time'];
    const used = new Set([...outside, ...scriptCommands().map((command) => command.toLowerCase())]);
    expect(granted(cacheAccess('rtmp_commands').service).sort()).toEqual([...used].sort());
  });
});

test('the channel of the options is the one that is allowed', () => {
  expect(cacheAccess('live').service).toContain('&live &live:replies ');
  expect(cacheAccess('live').publisher).not.toContain('&rtmp_commands');
});
