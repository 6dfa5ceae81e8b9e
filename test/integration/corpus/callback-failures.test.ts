import { afterAll, describe, expect, test } from '@jest/globals';
import { CallbackJournal } from '../../support/servers/callback-journal';
import { type CallbackAnswerScript, startCallbackServer } from '../../support/servers/callback-server';
import { FleetOfFile } from '../../support/servers/fleet';
import type { RtmpClient } from '../../support/rtmp/rtmp-client';
import { expectFlows, ServerOfFile } from '../../support/servers/server-of-file';

// The most frequent report about servers after a failure of the callback handler: "Stream already publishing" although
// nobody publishes. For every behaviour of the handler, the channel must be free as soon as the publisher was answered.

const FAILURES: [string, CallbackAnswerScript][] = [
  ['refuses', { status: 403 }],
  ['answers 500', { status: 500 }],
  ['answers 503', { status: 503 }],
  ['answers 204, which is no 200', { status: 204 }],
  ['redirects', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }],
  ['hangs up', { hangUp: true }],
  ['never answers', { neverAnswer: true }],
  ['speaks another protocol', { raw: 'SSH-2.0-OpenSSH_9.6\r\n' }],
  ['answers no status', { raw: 'HTTP/1.1 \r\n\r\n' }],
  ['answers binary garbage', { raw: '\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\r\n\r\n' }],
  ['answers headers that never end', { raw: 'HTTP/1.1 200 OK\r\nstream-id: a' }],
  ['answers a header that is none', { raw: 'HTTP/1.1 200 OK\r\nstream\u0000id\r\n\r\n' }],
];

const TIMEOUT = { CALLBACK_TIMEOUT_SECONDS: '1' };

/** A node that has its channels alone, or two that share them. */
interface Rig {
  readonly journal: CallbackJournal;
  newChannel(): string;
  connect(channel: string): Promise<RtmpClient>;
  /** Of the other node, where there is one. */
  publisher(channel: string): Promise<RtmpClient>;
  player(channel: string): Promise<RtmpClient>;
}

function nodeWith(settings: Record<string, string>): () => Rig {
  let journal: CallbackJournal;
  const server = ServerOfFile.start(async () => {
    journal = new CallbackJournal(await startCallbackServer());
    return { CALLBACK_URL: journal.server.url.href, JWT_SECRET: 'secret', ...TIMEOUT, ...settings };
  });
  afterAll(() => journal.server.stop());
  return () => ({
    journal,
    newChannel: () => server.newChannel(),
    connect: (channel) => server.connect(channel),
    publisher: (channel) => server.publisher(channel),
    player: (channel) => server.player(channel),
  });
}

function fleetOfTwo(): () => Rig {
  const ofFile = FleetOfFile.start({ nodes: 2, callbacks: true, environment: TIMEOUT });
  return () => {
    const { fleet } = ofFile;
    return {
      journal: fleet.journal,
      newChannel: () => fleet.newChannel(),
      connect: (channel) => fleet.connect(0, channel),
      async publisher(channel) {
        const publisher = await fleet.publisher(1, channel);
        // An answer to node 0, too, which would otherwise consider the handler down.
        await fleet.publisher(0, fleet.newChannel());
        return publisher;
      },
      player: (channel) => fleet.player(1, channel),
    };
  };
}

describe.each([
  ['a node', () => nodeWith({})],
  [
    'a node that holds channels and lets publishers take over',
    () => nodeWith({ PUBLISHER_TAKEOVER: 'YES', RECONNECT_GRACE_SECONDS: '60' }),
  ],
  ['a fleet, at another node', fleetOfTwo],
])('%s', (_, start) => {
  const rig = start();

  async function asks(channel: string): Promise<RtmpClient> {
    const client = await rig().connect(channel);
    await client.createStream();
    client.sendPublish('key');
    return client;
  }

  async function expectFree(channel: string): Promise<void> {
    const publisher = await rig().publisher(channel);
    await expectFlows(publisher, await rig().player(channel), 'published');
  }

  test.each(FAILURES)('the handler %s: the channel is free at once', async (_failure, answer) => {
    const { journal } = rig();
    const channel = rig().newChannel();
    journal.answer(channel, () => answer);
    const client = await asks(channel);
    expect(await client.nextStatus()).toMatchObject({ level: 'error' });
    journal.answer(channel, () => ({}));
    await expectFree(channel);
    await client.expectClosed();
  });

  test('the handler cannot be reached: the channel is free at once', async () => {
    const { journal } = rig();
    const channel = rig().newChannel();
    await journal.server.stop();
    const client = await asks(channel);
    expect(await client.nextStatus()).toMatchObject({ level: 'error' });
    await journal.server.start();
    await expectFree(channel);
  });

  test('the publisher leaves while the handler decides: the channel is free at once', async () => {
    const { journal } = rig();
    const channel = rig().newChannel();
    journal.answer(channel, () => ({ neverAnswer: true }));
    const client = await asks(channel);
    await journal.next(channel, 'start');
    await client.close();
    journal.answer(channel, () => ({}));
    await expectFree(channel);
  });
});
