import { describe, expect, test } from '@jest/globals';
import { expectFlows, ServerOfFile } from '../../support/servers/server-of-file';

const server = ServerOfFile.start();

describe('names', () => {
  test('CHANNEL and KEY: letters (both cases), digits, - and _ are accepted', async () => {
    const name = 'abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789';
    const publisher = await server.publisher(name, name);
    await expectFlows(publisher, await server.player(name, name), 'flows');
  });

  test.each([
    ['a dot', 'a.b'],
    ['two slashes', 'a/b/c'],
    ['a space', 'a b'],
    ['nothing', ''],
    ['non-ASCII letters', 'canal-ñ'],
    ['a newline', 'a\nb'],
    ['a newline at the end', 'live\n'],
    ['a zero byte', 'live\0'],
  ])('bad CHANNEL (%s): connect is refused with the reason and the connection closed', async (_, app) => {
    const client = await server.open();
    const answer = await client.callConnect({ app, tcUrl: 'rtmp://localhost' });
    expect(answer.name).toBe('_error');
    expect(answer.args[1]).toMatchObject({
      level: 'error',
      code: 'NetConnection.Connect.Rejected',
      description: expect.stringMatching(/channel/i),
    });
    await client.expectClosed();
  });

  test.each(['bad.key', 'a b', 'a/b/c', 'é', 'k\n', '../k'])(
    'bad KEY %j at publish: BadName "error", then closed',
    async (key) => {
      const client = await server.connect(server.newChannel());
      await client.createStream();
      client.sendPublish(key);
      expect(await client.nextStatus()).toMatchObject({
        level: 'error',
        code: 'NetStream.Publish.BadName',
        description: expect.stringMatching(/key/i),
        onStream: client.streamId,
      });
      await client.expectClosed();
      expect(client.statusCodes).toEqual(['NetStream.Publish.BadName']);
    },
  );

  test('bad KEY at play: NetStream.Play.BadName "error", then closed', async () => {
    const client = await server.connect(server.newChannel());
    await client.createStream();
    client.sendPlay('bad.key');
    expect(await client.nextStatus()).toMatchObject({ level: 'error', code: 'NetStream.Play.BadName' });
    await client.expectClosed();
  });

  test('query string after the KEY is cut off for publish and play (key1?x=y is key1)', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel, 'key1?x=y&z=?a/b.c');
    await expectFlows(publisher, await server.player(channel, 'key1'), 'plain');
    await expectFlows(publisher, await server.player(channel, 'key1?token=a.b'), 'with a query');
  });

  test.each(['', '?x=y'])(
    'publish or play with an empty KEY (%j): nothing starts, connection stays usable',
    async (key) => {
      const channel = server.newChannel();
      const client = await server.connect(channel);
      await client.createStream();
      client.sendPublish(key);
      expect(await client.nextStatus()).toMatchObject({ level: 'error', code: 'NetStream.Publish.BadName' });
      client.sendPlay(key);
      expect(await client.nextStatus()).toMatchObject({ level: 'error', code: 'NetStream.Play.BadName' });
      await client.publish('key');
      await expectFlows(client, await server.player(channel), 'usable');
    },
  );
});

const lengths = [
  { limit: 128, limited: server, setting: 'ID_MAX_LENGTH default 128' },
  { limit: 10, limited: ServerOfFile.start({ ID_MAX_LENGTH: '10' }), setting: 'ID_MAX_LENGTH=10' },
];
describe.each(lengths)('$setting', ({ limit, limited }) => {
  const longest = 'n'.repeat(limit);

  test('a channel and a key of the limit are accepted', async () => {
    const publisher = await limited.publisher(longest, longest);
    await expectFlows(publisher, await limited.player(longest, longest), 'longest');
  });

  test('a longer channel is refused', async () => {
    const client = await limited.open();
    expect((await client.callConnect({ app: `${longest}n` })).name).toBe('_error');
    await client.expectClosed();
  });

  test('a longer key is refused, whatever query follows', async () => {
    for (const key of [`${longest}n`, `${longest}n?a=b`]) {
      const client = await limited.connect('live');
      await client.createStream();
      client.sendPublish(key);
      expect((await client.nextStatus()).code).toBe('NetStream.Publish.BadName');
      await client.expectClosed();
    }
  });
});

describe('ID_ALLOW_SPECIAL_CHARACTERS=YES', () => {
  const special = ServerOfFile.start({ ID_ALLOW_SPECIAL_CHARACTERS: 'YES' });

  test.each([
    ['live.news', 'k.e-y'],
    ['en/live', 'a/b/c'],
    ['canal ñ', 'clé "1"'],
    ['{x}:*', '%s$&\\'],
  ])('CHANNEL %j and KEY %j are names', async (channel, key) => {
    const publisher = await special.publisher(channel, `${key}?x=y`);
    await expectFlows(publisher, await special.player(channel, key), 'flows');
    const wrong = await special.connect(channel);
    await wrong.createStream();
    wrong.sendPlay(`${key}x`);
    expect(await wrong.nextStatus()).toMatchObject({ code: 'NetStream.Play.BadName' });
  });

  test.each(['a>b', 'a|b', 'a\nb', 'a\tb', 'a\0', 'a\u007f', '', 'n'.repeat(129)])(
    'CHANNEL %j is refused',
    async (app) => {
      const client = await special.open();
      const answer = await client.callConnect({ app, tcUrl: 'rtmp://localhost' });
      expect(answer.args[1]).toMatchObject({ description: expect.stringMatching(/1 to 128 characters other than >/) });
      await client.expectClosed();
    },
  );

  test('a name cannot forge a log line or a field of one', async () => {
    const client = await special.publisher('live" client="x', 'key');
    await client.close();
    const [line] = await special.process.waitForLog(/^.* publish accepted channel="live.*$/m);
    expect(line).toContain('channel="live\\" client=\\"x"');
  });
});

describe('ID_ALLOW_EMPTY=YES', () => {
  const lenient = ServerOfFile.start({ ID_ALLOW_EMPTY: 'true' });

  test.each([
    ['', 'key'],
    ['live', ''],
    ['', ''],
  ])('CHANNEL %j and KEY %j are names', async (channel, key) => {
    const publisher = await lenient.publisher(channel, key);
    await expectFlows(publisher, await lenient.player(channel, key), 'flows');
    const wrong = await lenient.connect(channel);
    await wrong.createStream();
    wrong.sendPlay('wrong');
    expect(await wrong.nextStatus()).toMatchObject({ code: 'NetStream.Play.BadName' });
    await publisher.close();
  });
});
