import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as capabilities from '../../../../../service/leases/redis/scripts/capability-script';
import * as commands from '../../../../../service/leases/redis/scripts/command-scripts';
import * as lives from '../../../../../service/leases/redis/scripts/life-scripts';
import * as nodes from '../../../../../service/leases/redis/scripts/node-scripts';
import * as stops from '../../../../../service/leases/redis/scripts/stop-scripts';
import { RegistryConnection } from '../../../../../service/leases/redis/registry-connection';
import { type RegistryScript, registryScript } from '../../../../../service/leases/redis/scripts/registry-script';
import { ServerClock } from '../../../../../service/leases/redis/server-clock';
import * as sweeps from '../../../../../service/leases/redis/scripts/sweep-scripts';
import { RedisServer, redisKinds } from '../../../../support/servers/redis-server';

function isScript(value: unknown): value is RegistryScript<never> {
  return typeof value === 'object' && value !== null && 'lua' in value;
}

const scripts = [capabilities, commands, lives, nodes, stops, sweeps].flatMap((file) =>
  Object.values(file).filter(isScript),
);
const prelude = registryScript('empty', () => [], '').lua;

test('there are scripts to be looked at', () => expect(scripts.length).toBeGreaterThan(15));

test.each(scripts.map((script) => [script.name, script.lua.slice(prelude.length)]))(
  'the script %s names keys only where it is checked that they were given to it',
  (name, body) => {
    expect(body.match(/\bP \.\./g)?.length ?? 0).toBe(name === 'try-commands' ? 1 : 0);
    for (const [call] of body.matchAll(/redis\.p?call\([^,]*,[^,)]*/g)) {
      expect(call).toMatch(/, (k\(|key|log|sweeper|channels|stops|mail|\.\.\.)/);
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
    expect(await connection.run(nodes.BEAT, beatOf(nodeId, connection))).toMatchObject({ status: 'lapsed' });
    return connection;
  }

  function beatOf(nodeId: string, { epoch }: RegistryConnection): nodes.BeatArgument {
    const registration = JSON.stringify({ id: nodeId, incarnation: 'first', epoch });
    const read = { mailRead: '', rosterRead: '' };
    return { registration, address: registration, ttlMs: 60_000, isFirst: true, secret: 'c2VjcmV0', ...read };
  }

  const change = (channel: string, more: Partial<lives.ChangeArgument> = {}): lives.ChangeArgument => ({
    ...{ channel, seen: '', keepMs: 0, until: Date.now() + 60_000, mailRead: '', moved: false },
    ...{ life: document('v1'), letters: [], stops: [], joins: [], leaves: [] },
    ...more,
  });

  function document(version: string, node = 'owner/first'): string {
    return JSON.stringify({ schema: 1, version, life: { stream: { node } } });
  }

  async function run(connection: RegistryConnection, argument: lives.ChangeArgument): Promise<string[]> {
    const { channel, letters, joins, leaves } = argument;
    const members = [...joins, ...leaves].map((member) => `channels:${member}`);
    const keys = [`life:${channel}`, ...letters.map(({ member }) => `mail:${member}`), ...members];
    const reply = await connection.run(lives.CHANGE, argument, { keys });
    return [reply?.status ?? '', ...(reply?.rest ?? [])];
  }

  test('a life is changed only by those who have seen it, who are told of it otherwise', async () => {
    const connection = await connect('one');
    expect(await run(connection, change('ch'))).toEqual(['changed']);
    expect(await run(connection, change('ch', { life: document('v2') }))).toEqual(['other', document('v1')]);
    expect(await run(connection, change('ch', { seen: 'v0', life: '' }))).toEqual(['other', document('v1')]);
    expect(await run(connection, change('ch', { seen: 'v1', life: document('v2') }))).toEqual(['changed']);
    expect(await run(connection, change('ch', { seen: 'v2', life: '' }))).toEqual(['changed']);
    expect(await run(connection, change('ch', { seen: 'v2' }))).toEqual(['other', '']);
  });

  test('what is carried out too late changes nothing, whatever the clocks of nodes say', async () => {
    const connection = await connect('punctual');
    const [status, serverMs] = await run(connection, change('late', { until: Date.now() - 5_000 }));
    expect(status).toBe('late');
    expect(Math.abs(Number(serverMs) - Date.now())).toBeLessThan(3_000);
    expect(await redis.keys('{rtmp}:life:late')).toEqual([]);
  });

  test('another node’s letter comes with its next answer, in order, until it says that it has it', async () => {
    const [sender, receiver] = [await connect('sender'), await connect('receiver')];
    const letters = ['a', 'b'].map((letter) => ({ member: 'receiver/first', letter }));
    await run(sender, change('mailed', { letters }));
    const [, ...mail] = await run(receiver, change('any'));
    expect([mail[1], mail[3]]).toEqual(['a', 'b']);
    const [, , , ...rest] = await run(receiver, change('any', { seen: 'v1', mailRead: mail[0]! }));
    expect(rest).toEqual([]);
  });

  test('a letter waits for a node that was taken for dead, and comes when the node is back', async () => {
    const [sender, receiver] = [await connect('burier'), await connect('buried')];
    await run(sender, change('ended', { letters: [{ member: 'buried/first', letter: 'it has ended' }] }));
    await redis.withClient((client) => client.del('{rtmp}:node:buried'));
    const claimed = await sender.run(sweeps.CLAIM, { member: 'buried/first', most: 10 });
    expect(claimed).toMatchObject({ status: 'claimed', rest: ['all'] });
    const back = await receiver.run(nodes.BEAT, beatOf('buried', receiver));
    expect(back).toMatchObject({ status: 'lapsed' });
    expect(back?.rest.at(-1)).toBe('it has ended');
  });

  test('a letter for a node that is gone is not kept', async () => {
    const connection = await connect('writer');
    await run(connection, change('x', { letters: [{ member: 'nobody/first', letter: 'a' }] }));
    expect(await redis.keys('{rtmp}:mail:nobody/first')).toEqual([]);
  });

  test('a script that is run again for further keys hears what has changed since', async () => {
    const connection = await connect('owner');
    await run(connection, change('busy'));
    const other = await connect('other');
    const asked: number[] = [];
    const reply = await other.run(lives.LOCATE, () => {
      asked.push(asked.length);
      return asked.length === 1 ? { channel: 'busy' } : undefined;
    });
    expect(reply).toBeUndefined();
    expect(asked).toEqual([0, 1]);
  });

  test('the keys that a script asked for are given to it at once the next time', async () => {
    const connection = await connect('reader');
    const counts = async (): Promise<number> => {
      let rounds = 0;
      await connection.run(lives.LOCATE, () => {
        rounds += 1;
        return { channel: 'busy' };
      });
      return rounds;
    };
    expect([await counts(), await counts()]).toEqual([2, 1]);
  });
});
