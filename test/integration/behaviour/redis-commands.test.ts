import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CallbackJournal } from '../../support/servers/callback-journal';
import { startCallbackServer } from '../../support/servers/callback-server';
import { RedisServer } from '../../support/servers/redis-server';
import { expectFlows, ServerOfFile } from '../../support/servers/server-of-file';

let redis: RedisServer;
let journal: CallbackJournal;
beforeAll(async () => {
  redis = await RedisServer.start();
  journal = new CallbackJournal(await startCallbackServer());
});
const connected = (more: Record<string, string> = {}): Record<string, string> => {
  const callback = { CALLBACK_URL: journal.server.url.href, JWT_SECRET: 'secret' };
  return { REDIS_USE: 'YES', REDIS_PORT: String(redis.port), ...callback, ...more };
};
const server = ServerOfFile.start(() => connected());
const custom = ServerOfFile.start(() => connected({ REDIS_CHANNEL: 'my-commands', REDIS_HOST: 'localhost' }));
afterAll(async () => {
  await redis.remove();
  await journal.server.stop();
});

const listening = (of: ServerOfFile): Promise<unknown> => of.process.waitForLog(/Listening for commands/);
const send = async (message: string, channel = 'rtmp_commands'): Promise<void> => {
  expect(await redis.publish(channel, message)).toBeGreaterThan(0);
};

/** A stream with a player, whose id is the channel's name. */
async function live(at = server, id = `id-of-${at.prefix}`) {
  await listening(at);
  const channel = at.newChannel();
  journal.answer(channel, () => ({ headers: { 'stream-id': id } }));
  const [player, publisher] = [await at.player(channel), await at.publisher(channel)];
  return { channel, publisher, player, id };
}

describe('redis commands', () => {
  test('kill-session>CHANNEL closes that publisher, not others; players are told and stay', async () => {
    const [killed, other] = [await live(), await live()];
    await send(`kill-session>${killed.channel}`);
    expect(await killed.publisher.nextStatus()).toMatchObject({
      level: 'error',
      code: 'NetStream.Publish.BadName',
      description: expect.stringMatching(/operator/),
    });
    await killed.publisher.expectClosed();
    await killed.player.waitForStatus('NetStream.Play.UnpublishNotify');
    await expectFlows(other.publisher, other.player, 'not killed');
    await expectFlows(await server.publisher(killed.channel), killed.player, 'again');
  });

  test('KILL-SESSION and Close-Stream mean the same, while names keep their case', async () => {
    const [killed, closed] = [await live(), await live(server, 'Id')];
    for (const message of [`KILL-SESSION>${killed.channel.toUpperCase()}`, `CLOSE-STREAM>${closed.channel}|ID`])
      await send(message);
    await expectFlows(killed.publisher, killed.player, 'another channel');
    await expectFlows(closed.publisher, closed.player, 'another id');
    await send(`KILL-SESSION>${killed.channel}`);
    await killed.publisher.expectClosed();
    await send(`Close-Stream>${closed.channel}|Id`);
    await closed.publisher.expectClosed();
  });

  test('close-stream>CHANNEL|ID closes the publisher with that stream id; not with another id or on another channel', async () => {
    const [one, other] = [await live(server, 'one'), await live(server, 'other')];
    for (const message of [
      `close-stream>${one.channel}|other`,
      `close-stream>${one.channel}|`,
      'close-stream>nobody|one',
    ])
      await send(message);
    await send(`close-stream>${one.channel}|on`);
    await server.process.waitForLog(/close-stream had no effect: .* streamId=on\b/);
    await expectFlows(one.publisher, one.player, 'not yet');
    await send(`close-stream>${one.channel}|one`);
    await one.publisher.expectClosed();
    await expectFlows(other.publisher, other.player, 'not the other');
  });

  test('malformed and unknown messages are ignored, the next good command works', async () => {
    const { channel, publisher, player } = await live();
    const bad = [
      '',
      '>',
      'kill-session',
      'kill-session>',
      `kill-session ${channel}`,
      `kill_session>${channel}`,
      `kill-session>${channel}\n\n`,
      `close-stream>${channel}`,
      '\u0000',
      '{"a":1}',
      'x'.repeat(100_000),
      `kill-session>>${channel}`,
    ];
    for (const message of bad) await send(message);
    await redis.withClient((client) => client.publish('rtmp_commands', Buffer.of(0xff, 0xfe, 0x00)));
    await send(`kill-session>not-there`);
    await server.process.waitForLog(/kill-session had no effect: .* channel=not-there/);
    await expectFlows(publisher, player, 'unharmed');
    await send(`kill-session>${channel}`);
    await publisher.expectClosed();
  });

  test('stop callback exactly once after kill-session and after close-stream', async () => {
    for (const command of ['kill-session>', 'close-stream>']) {
      const { channel, publisher, id } = await live();
      await send(`${command}${channel}${command.startsWith('close') ? `|${id}` : ''}`);
      await publisher.expectClosed();
      expect((await journal.next(channel, 'stop')).claims['stream_id']).toBe(id);
      await send(`kill-session>${channel}`);
      await (await server.publisher(channel, 'last')).close();
      for (;;) if ((await journal.next(channel, 'stop')).claims['key'] === 'last') break;
      expect(journal.events(channel)).toEqual(['start', 'stop', 'start', 'stop']);
    }
  });

  test('REDIS_CHANNEL: commands on the custom channel work, on the default one do not', async () => {
    const { channel, publisher, player } = await live(custom);
    await send(`kill-session>${channel}`);
    await send('kill-session>flushed', 'my-commands');
    await custom.process.waitForLog(/channel=flushed/);
    await expectFlows(publisher, player, 'not killed');
    await send(`kill-session>${channel}`, 'my-commands');
    await publisher.expectClosed();
  });

  test('kill-session while a player of the channel reads nothing works at once', async () => {
    const { channel, publisher, player } = await live();
    player.connection.socket.pause();
    for (let index = 0; index < 100; index += 1) publisher.sendVideo(index * 40, Buffer.alloc(100_000, 0x27));
    await publisher.roundTrip();
    await send(`kill-session>${channel}`);
    await publisher.expectClosed();
    await server.publisher(channel);
  });
});
