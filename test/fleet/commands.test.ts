import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { type Fleet, FleetOfFile } from '../support/servers/fleet';
import { redisKinds } from '../support/servers/redis-server';
import { MessageInbox } from '../support/rtmp/message-inbox';
import type { ServerProcess } from '../support/servers/server-process';
import { expectFlows } from '../support/servers/server-of-file';
import { SwitchedProxy } from './switched-proxy';

const COMMANDS = 'rtmp_commands';

interface Reply {
  readonly node: string;
  readonly command: string;
  readonly channel: string;
  readonly order: string;
  readonly acted: boolean;
  readonly detail: string;
  readonly streams?: readonly { readonly channel: string; readonly streamId: string; readonly players: number }[];
}

describe.each(redisKinds)('on a %s Redis', (kind) => {
  let listener: Redis;
  // Before the server that it talks to is stopped.
  afterAll(() => listener.disconnect());
  const ofFile = FleetOfFile.start({ callbacks: true, redis: { kind } });
  const replies = new MessageInbox<Reply>((reply) => JSON.stringify(reply), 8_000);

  beforeAll(async () => {
    await ofFile.fleet.redis.withClient((client) => {
      listener = client.duplicate({ retryStrategy: () => null });
      return Promise.resolve();
    });
    await listener.subscribe(`${COMMANDS}:replies`);
    listener.on('message', (_channel, text) => replies.add(JSON.parse(text) as Reply));
  });

  function command(text: string): Promise<number> {
    return ofFile.fleet.redis.publish(COMMANDS, text);
  }

  /** The next reply about the channel. */
  function reply(channel: string): Promise<Reply> {
    return replies.next((each) => each.acted && each.channel === channel, `a reply about ${channel}`);
  }

  const repliesAbout = (channel: string): Reply[] =>
    replies.received.filter((each) => each.acted && each.channel === channel);

  test('kill-session ends the publisher wherever it is, and its node says so', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(1, channel);
    const player = await fleet.player(2, channel);
    await expectFlows(publisher, player, 'before');
    await command(`kill-session>${channel}`);
    await publisher.expectClosed();
    await player.waitForStatus('NetStream.Play.UnpublishNotify');
    expect(await reply(channel)).toMatchObject({ node: fleet.nodeId(1), command: 'kill-session', acted: true });
    await fleet.journal.next(channel, 'stop');
    // Not for good: the encoder may come back at once.
    await expectFlows(await fleet.publisher(0, channel), player, 'after');
    expect(repliesAbout(channel)).toHaveLength(1);
  });

  test('close-stream ends only the stream with that id', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    fleet.journal.answer(channel, () => ({ headers: { 'stream-id': 'the-one' } }));
    const publisher = await fleet.publisher(2, channel);
    await command(`close-stream>${channel}|another`);
    await command(`close-stream>${channel}|the-one`);
    expect(await reply(channel)).toMatchObject({ node: fleet.nodeId(2), command: 'close-stream', acted: true });
    await publisher.expectClosed();
    for (const node of fleet.nodes) await node.waitForLog(/close-stream had no effect/);
  });

  test('block ends the publisher and keeps it out for good on every node, until unblock', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel);
    await command(`block>${channel}|600`);
    await publisher.expectClosed();
    for (const at of [0, 1, 2]) {
      await expect(fleet.publisher(at, channel)).rejects.toThrow(/NetStream.Publish.Denied.*blocked/);
    }
    const { command: verb, acted } = await reply(channel);
    expect([verb, acted]).toEqual(['block', true]);
    await command(`unblock>${channel}`);
    await replies.next((each) => each.channel === channel && each.command === 'unblock', 'unblock');
    await fleet.publisher(2, channel);
    expect(fleet.journal.events(channel)).toEqual(['start', 'stop', 'start']);
  });

  test('a kill that comes while the handler decides ends the publish, and its stop is sent', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    fleet.journal.answer(channel, ({ claims }) => (claims['event'] === 'start' ? { delayMs: 500 } : {}));
    const refused = expect(fleet.publisher(0, channel)).rejects.toThrow('NetStream.Publish.BadName');
    await fleet.journal.next(channel, 'start');
    await command(`kill-session>${channel}`);
    await refused;
    await fleet.journal.next(channel, 'stop');
  });

  test('list> is answered by every node', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    await fleet.publisher(1, channel);
    await fleet.player(1, channel);
    await command('list>');
    const nodes = new Map<string, Reply>();
    while (nodes.size < 3) {
      const answer = await replies.next((each) => each.command === 'list', 'an answer to list>');
      nodes.set(answer.node, answer);
    }
    const listed = nodes.get(fleet.nodeId(1))?.streams ?? [];
    expect(listed.filter((stream) => stream.channel === channel)).toMatchObject([{ channel, players: 1 }]);
  });

  test('nonsense is logged and does no harm', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel);
    const player = await fleet.player(1, channel);
    for (const text of [
      '',
      'kill-session',
      `kill-session>${channel} `,
      'drain>nobody',
      `block>${channel}|soon`,
      '{}',
    ]) {
      await command(text);
    }
    await fleet.node(0).waitForLog(/block for .*soon/);
    await expectFlows(publisher, player, 'still');
  });

  test('a node that was cut off from Redis carries out afterwards what it missed', async () => {
    const { fleet } = ofFile;
    const { node, proxy } = await nodeOfItsOwn(fleet);
    const [killed, spared] = [fleet.newChannel(), fleet.newChannel()];
    const at = fleet.nodes.push(node) - 1;
    const victim = await fleet.publisher(at, killed);
    const other = await fleet.publisher(at, spared);
    const player = await fleet.player(0, spared);
    proxy.switchTo(undefined);
    await node.waitForLog(/The fleet registry cannot be used/);
    await command(`kill-session>${killed}`);
    await fleet.node(0).waitForLog(new RegExp(`kill-session had no effect.*channel=${killed}`));
    expect(victim.connection.isOpen).toBe(true);
    proxy.switchTo(fleet.redis.port);
    await victim.expectClosed();
    await fleet.journal.next(killed, 'stop');
    await node.waitForLog(new RegExp(`kill-session done: publisher disconnected channel=${killed}`));
    expect(await reply(killed)).toMatchObject({ node: fleet.nodeId(at), order: `kill-session>${killed}` });
    await expectFlows(other, player, 'spared');
  });

  const proxies: SwitchedProxy[] = [];
  afterEach(async () => {
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  });

  /** A node with a separate proxy to Redis. */
  async function nodeOfItsOwn(fleet: Fleet): Promise<{ node: ServerProcess; proxy: SwitchedProxy }> {
    const proxy = await SwitchedProxy.start(fleet.redis.port);
    proxies.push(proxy);
    return { node: await fleet.newNode(fleet.nodes.length, { REDIS_PORT: String(proxy.port) }), proxy };
  }
});
