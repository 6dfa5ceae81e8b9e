import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as capabilities from '../../../../../service/leases/redis/scripts/capability-script';
import * as commands from '../../../../../service/leases/redis/scripts/command-scripts';
import * as leases from '../../../../../service/leases/redis/scripts/lease-scripts';
import * as nodes from '../../../../../service/leases/redis/scripts/node-scripts';
import * as records from '../../../../../service/leases/redis/scripts/record-scripts';
import { RegistryConnection } from '../../../../../service/leases/redis/registry-connection';
import { type RegistryScript, registryScript } from '../../../../../service/leases/redis/scripts/registry-script';
import { ServerClock } from '../../../../../service/leases/redis/server-clock';
import * as sweeps from '../../../../../service/leases/redis/scripts/sweep-scripts';
import { RedisServer, redisKinds } from '../../../../support/servers/redis-server';

function isScript(value: unknown): value is RegistryScript {
  return typeof value === 'object' && value !== null && 'lua' in value;
}

const scripts = [capabilities, commands, leases, nodes, records, sweeps].flatMap((file) =>
  Object.values(file).filter(isScript),
);
const prelude = registryScript('empty', () => [], '').lua;

test('there are scripts to be looked at', () => expect(scripts.length).toBeGreaterThan(15));

test.each(scripts.map((script) => [script.name, script.lua.slice(prelude.length)]))(
  'the script %s names keys only where it is checked that they were given to it',
  (name, body) => {
    expect(body.match(/\bP \.\./g)?.length ?? 0).toBe(name === 'try-commands' ? 1 : 0);
    for (const [call] of body.matchAll(/redis\.p?call\([^,]*,[^,)]*/g)) {
      expect(call).toMatch(/, (k\(|key|log|sweeper|publishes|stops|mail|\.\.\.)/);
    }
  },
);

describe.each(redisKinds)('on a %s server', (kind) => {
  let redis: RedisServer;
  const connections: RegistryConnection[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start({ kind });
  });

  afterAll(async () => {
    for (const connection of connections) connection.close();
    await redis.remove();
  });

  /** A connection of a node whose estimate of the server's time is wrong by this much. */
  async function connect(nodeId: string, wrongByMs = 0): Promise<RegistryConnection> {
    class WrongClock extends ServerClock {
      override now = (): string => String(Number(super.now()) + wrongByMs * 1000);
    }
    const login = { username: undefined, password: undefined, ...redis.login('service') };
    const connection = new RegistryConnection({
      config: { host: redis.host, port: redis.port, tls: undefined, channel: 'rtmp_commands', ...login },
      prefix: '{rtmp}:',
      requestTimeoutMs: 2_000,
      nodeId,
      incarnation: 'first',
      clock: new WrongClock(),
    });
    connections.push(connection);
    const connected = new Promise<void>((resolve) => (connection.onConnected = resolve));
    connection.connect();
    await connected;
    const registration = JSON.stringify({ id: nodeId, incarnation: 'first', epoch: connection.epoch });
    expect(await connection.run(nodes.BEAT, [registration, 60_000, '', 1, 'c2VjcmV0', registration, ''])).toMatchObject(
      {
        status: 'lapsed',
      },
    );
    return connection;
  }

  test('a kill is later than the publish before it and earlier than the one after, whoever measured the time', async () => {
    const [ahead, behind] = [await connect('ahead', 2_000), await connect('behind', -2_000)];
    const acquire = (channel: string, publishId: string): [string, ...(string | number)[]] => [
      ...([channel, publishId, 'hash', Date.now(), '{}', 0] as [string, ...(string | number)[]]),
    ];
    const live = (publishId: string): (string | number)[] => [
      'ch',
      publishId,
      'hash',
      0,
      '{}',
      '',
      'live',
      'id',
      '',
      0,
    ];
    const text = 'kill-session>ch';
    expect((await ahead.run(leases.ACQUIRE, acquire('ch', 'before')))?.status).toBe('acquired');
    expect((await behind.run(commands.REMEMBER, ['kill-session', 'ch', text, 0]))?.status).toBe('first');
    const before = await ahead.run(leases.ASSERT, [...live('before'), 'no', 0]);
    expect(before).toEqual({ status: 'mine', rest: [text] });
    await ahead.run(leases.FINISH, ['ch', 'before', '', '']);
    expect((await behind.run(leases.ACQUIRE, acquire('ch', 'after')))?.status).toBe('acquired');
    const after = await behind.run(leases.ASSERT, [...live('after'), 'no', 0]);
    expect(after).toEqual({ status: 'mine', rest: [''] });
  });

  test('a script that is run again for further keys hears what has changed since', async () => {
    const connection = await connect('owner');
    const other = await connect('other');
    await connection.run(leases.ACQUIRE, ['busy', 'one', 'hash', 1, '{}', 0]);
    const asked: number[] = [];
    const reply = await other.run(leases.ACQUIRE, () => {
      asked.push(asked.length);
      return asked.length === 1 ? ['busy', 'two', 'hash', 1, '{}', 0] : undefined;
    });
    expect(reply).toBeUndefined();
    expect(asked).toEqual([0, 1]);
  });

  test('the keys that a script asked for are given to it at once the next time', async () => {
    const connection = await connect('reader');
    const counts = async (): Promise<number> => {
      let rounds = 0;
      await connection.run(leases.LOCATE, () => {
        rounds += 1;
        return ['busy'];
      });
      return rounds;
    };
    expect([await counts(), await counts()]).toEqual([2, 1]);
  });
});
