import { afterAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { CallbackJournal } from '../../support/servers/callback-journal';
import {
  startCallbackServer,
  type CallbackAnswerScript,
  type CallbackServer,
} from '../../support/servers/callback-server';
import { ClientHandshake } from '../../support/rtmp/client-handshake';
import { avcAacStream } from '../../support/rtmp/media';
import { type ReceivedStatus, type RtmpClient } from '../../support/rtmp/rtmp-client';
import { expectFlows, expectMedia, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { command, MessageType } from '../../support/rtmp/wire-builder';

let journal: CallbackJournal;
let elsewhere: CallbackServer;
const server = ServerOfFile.start(async () => {
  journal = new CallbackJournal(await startCallbackServer());
  elsewhere = await startCallbackServer();
  return { CALLBACK_URL: journal.server.url.href, JWT_SECRET: 'secret', CALLBACK_TIMEOUT_SECONDS: '3' };
});
const unreachable = ServerOfFile.start(async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  return { CALLBACK_URL: `http://127.0.0.1:${port}/`, JWT_SECRET: 'secret' };
});
afterAll(() => Promise.all([journal.server.stop(), elsewhere.stop()]));

async function asks(channel: string, at = server): Promise<RtmpClient> {
  const client = await at.connect(channel);
  await client.createStream();
  client.sendPublish('key');
  return client;
}

async function refusal(channel: string, at = server): Promise<ReceivedStatus> {
  const client = await asks(channel, at);
  const status = await client.nextStatus();
  await client.expectClosed();
  expect(client.statusCodes).toEqual([status.code]);
  expect(status).toMatchObject({ level: 'error', description: expect.stringMatching(/callback/i) });
  return status;
}

describe('the start callback decides', () => {
  test('nothing listens at CALLBACK_URL: BadName and closed', async () => {
    expect((await refusal('unreachable', unreachable)).code).toBe('NetStream.Publish.BadName');
  });

  test.each<[string, CallbackAnswerScript, string]>([
    ['hangs up without an answer', { hangUp: true }, 'NetStream.Publish.BadName'],
    ['never answers', { neverAnswer: true }, 'NetStream.Publish.BadName'],
    ['answers 500', { status: 500 }, 'NetStream.Publish.BadName'],
    ['answers 503', { status: 503 }, 'NetStream.Publish.BadName'],
    ['answers 201', { status: 201 }, 'NetStream.Publish.BadName'],
    ['answers 204', { status: 204 }, 'NetStream.Publish.BadName'],
    ['answers 400', { status: 400 }, 'NetStream.Publish.Denied'],
    ['answers 401', { status: 401 }, 'NetStream.Publish.Denied'],
    ['answers 403', { status: 403 }, 'NetStream.Publish.Denied'],
    ['answers 404', { status: 404 }, 'NetStream.Publish.Denied'],
    ['answers 499', { status: 499 }, 'NetStream.Publish.Denied'],
  ])('the handler %s: refused, never Publish.Start first, and the channel is free again', async (_, answer, code) => {
    const channel = server.newChannel();
    journal.answer(channel, () => answer);
    expect((await refusal(channel)).code).toBe(code);
    journal.answer(channel, () => ({}));
    await server.publisher(channel);
    // A handler that received the request may have accepted.
    const undone = answer.hangUp === true ? [await journal.next(channel, 'stop')] : [];
    expect(journal.requests(channel, 'stop')).toEqual(undone);
    expect(undone.map(({ claims }) => claims['stream_id'])).toEqual(undone.map(() => ''));
  });

  test.each([301, 302, 303, 307, 308])('a redirect (%i) is never followed, and refuses', async (status) => {
    const channel = server.newChannel();
    journal.answer(channel, () => ({ status, headers: { location: elsewhere.url.href } }));
    expect((await refusal(channel)).code).toBe('NetStream.Publish.BadName');
    expect(elsewhere.requests).toEqual([]);
    expect(journal.events(channel)).toEqual(['start']);
  });

  test('one connection error is retried with the same event, and the publisher accepted', async () => {
    const channel = server.newChannel();
    let asked = 0;
    journal.answer(channel, () => ((asked += 1) === 1 ? { hangUp: true } : {}));
    await server.publisher(channel);
    const [first, second] = [await journal.next(channel, 'start'), await journal.next(channel, 'start')];
    expect(first.claims['jti']).toBe(second.claims['jti']);
  });

  test('a slow answer: the publisher is accepted then, other publishers are not held up meanwhile', async () => {
    const channel = server.newChannel();
    journal.answer(channel, () => ({ delayMs: 700 }));
    const slow = await asks(channel);
    await journal.next(channel, 'start');
    const other = server.newChannel();
    await expectFlows(await server.publisher(other), await server.player(other), 'not held up');
    expect(slow.statusCodes).toEqual([]);
    await slow.waitForStatus('NetStream.Publish.Start');
    await expectFlows(slow, await server.player(channel), 'accepted');
  });
});

describe('while the handler decides', () => {
  test('whoever has no key for a channel does not keep its owner out', async () => {
    const channel = server.newChannel();
    journal.answer(channel, ({ claims }) =>
      claims['key'] === 'wrong' ? { status: 403, delayMs: 1_000 } : { headers: { 'stream-id': 'owner' } },
    );
    const strangers = await Promise.all([1, 2, 3].map(() => server.connect(channel, { localAddress: '127.0.8.10' })));
    await Promise.all(strangers.map((stranger) => stranger.createStream()));
    for (const stranger of strangers) stranger.sendPublish('wrong');
    await journal.next(channel, 'start');
    const owner = await server.connect(channel, { localAddress: '127.0.8.11' });
    await owner.createStream();
    owner.sendPublish('key');
    await owner.waitForStatus('NetStream.Publish.Start');
    expect(journal.requests(channel, 'start').map(({ claims }) => claims['key'])).toEqual(['wrong', 'key']);
    const codes = (await Promise.all(strangers.map((stranger) => stranger.nextStatus()))).map(({ code }) => code);
    expect(codes.sort()).toEqual([
      'NetStream.Publish.BadName',
      'NetStream.Publish.BadName',
      'NetStream.Publish.Denied',
    ]);
  });

  test('the channel is reserved: of two publishers at once one is accepted, the other told at once', async () => {
    const channel = server.newChannel();
    journal.answer(channel, () => ({ delayMs: 300 }));
    const clients = await Promise.all([asks(channel), asks(channel), asks(channel)]);
    const codes = (await Promise.all(clients.map((client) => client.nextStatus()))).map(({ code }) => code);
    expect(codes.sort()).toEqual(['NetStream.Publish.BadName', 'NetStream.Publish.BadName', 'NetStream.Publish.Start']);
    expect(journal.events(channel)).toEqual(['start']);
  });

  test('pipelining with a callback: media that arrives before the answer is not lost', async () => {
    const channel = server.newChannel();
    journal.answer(channel, () => ({ delayMs: 300 }));
    const player = await server.player(channel);
    const client = await server.open({ handshake: 'none' });
    const { chunks } = client.connection;
    const media = avcAacStream('pipelined', 50, { size: 2_000 });
    client.sendRaw(
      Buffer.concat([
        new ClientHandshake().c0c1,
        Buffer.alloc(1536),
        chunks.message(command('connect', 1, [{ app: channel }])),
        chunks.message(command('createStream', 2, [null])),
        chunks.message(command('publish', 3, [null, 'key', 'live'], 1)),
        ...media.map(({ kind, timestamp, payload }) =>
          chunks.message({ type: MessageType[kind], streamId: 1, timestamp, payload }),
        ),
      ]),
    );
    await expectMedia(player, media);
  });

  test('a publisher may send far more than fits any buffer: it waits, and nothing is lost', async () => {
    const channel = server.newChannel();
    journal.answer(channel, () => ({ delayMs: 500 }));
    const player = await server.player(channel);
    const client = await asks(channel);
    const media = avcAacStream('much', 80, { size: 60_000 });
    sendMedia(client, media);
    await client.waitForStatus('NetStream.Publish.Start');
    await expectMedia(player, media);
  });

  test('several publishes in one write are decided one after the other', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const client = await server.connect(channel);
    const { chunks } = client.connection;
    const media = (label: string): Buffer[] =>
      avcAacStream(label, 2).map(({ kind, timestamp, payload }) =>
        chunks.message({ type: MessageType[kind], streamId: 1, timestamp, payload }),
      );
    const streamIds = ['first', 'second'];
    let asked = 0;
    journal.answer(channel, ({ claims }) =>
      claims['event'] === 'start' ? { headers: { 'stream-id': streamIds[asked++]! }, delayMs: 500 } : {},
    );
    const publish = (key: string): Buffer => chunks.message(command('publish', 0, [null, key, 'live'], 1));
    const end = chunks.message(command('deleteStream', 0, [null, 1]));
    client.sendRaw(Buffer.concat([publish('key'), ...media('one'), end, publish('key'), ...media('two'), end]));
    await journal.next(channel, 'start');
    await server.publisher(server.newChannel());
    expect(journal.events(channel)).toEqual(['start']); // others are decided meanwhile, but not this client's second one
    await expectMedia(player, [...avcAacStream('one', 2), ...avcAacStream('two', 2)]);
    await journal.next(channel, 'stop');
    await journal.next(channel, 'stop');
    // The first one's stop and the second one's start are under way at once, and may overtake each other.
    const events = journal.events(channel);
    expect([events[0], events[3]]).toEqual(['start', 'stop']);
    expect(events.slice(1, 3).sort()).toEqual(['start', 'stop']);
    const stopped = journal.requests(channel, 'stop').map(({ claims }) => claims['stream_id']);
    expect(stopped.sort()).toEqual(streamIds);
  });

  test.each(['close', 'reset'] as const)(
    'a publisher that leaves (%s) is not live afterwards: the handler hears of the end',
    async (leave) => {
      const channel = server.newChannel();
      journal.answer(channel, ({ claims }) =>
        claims['event'] === 'start' ? { delayMs: 200, headers: { 'stream-id': 'late' } } : {},
      );
      const client = await asks(channel);
      await journal.next(channel, 'start');
      await client[leave]();
      expect((await journal.next(channel, 'stop')).claims['stream_id']).toBe('late');
      journal.answer(channel, () => ({}));
      await server.publisher(channel);
      expect(journal.events(channel)).toEqual(['start', 'stop', 'start']);
    },
  );
});

describe('headers of an accepted start', () => {
  test('play-key: players use it instead of the publishing key', async () => {
    const channel = server.newChannel();
    journal.answer(channel, () => ({ headers: { 'play-key': 'for-viewers' } }));
    const early = await server.player(channel, 'for-viewers');
    const publisher = await server.publisher(channel, 'for-the-streamer');
    await expectFlows(publisher, early, 'early');
    await expectFlows(publisher, await server.player(channel, 'for-viewers'), 'late');
    const wrong = await server.connect(channel);
    await wrong.createStream();
    wrong.sendPlay('for-the-streamer');
    await wrong.waitForStatus('NetStream.Play.BadName');
    await wrong.expectClosed();
  });

  test('max-duration-seconds: the stream is ended with the reason, players are told, the stop goes out', async () => {
    const channel = server.newChannel();
    journal.answer(channel, () => ({ headers: { 'max-duration-seconds': '1' } }));
    const player = await server.player(channel);
    const publisher = await server.publisher(channel);
    const status = await publisher.waitForStatus('NetStream.Publish.BadName');
    expect(status).toMatchObject({ level: 'error', description: expect.stringMatching(/duration.*1 s/) });
    await publisher.expectClosed();
    await player.waitForStatus('NetStream.Play.UnpublishNotify');
    await journal.next(channel, 'stop');
  });
});
