import { afterAll, describe, expect, test } from '@jest/globals';
import { CallbackJournal } from '../../support/servers/callback-journal';
import { startCallbackServer, type CallbackServer } from '../../support/servers/callback-server';
import type { ReceivedStatus, RtmpClient } from '../../support/rtmp/rtmp-client';
import { ServerOfFile } from '../../support/servers/server-of-file';

let journal: CallbackJournal;
const server = ServerOfFile.start(async () => {
  journal = new CallbackJournal(await startCallbackServer());
  return {
    CALLBACK_URL: journal.server.url.href,
    JWT_SECRET: 'secret',
    CALLBACK_TIMEOUT_SECONDS: '60',
    CONCURRENT_LIMIT_WHITELIST: undefined,
  };
});
let handler: CallbackServer;
const failing = ServerOfFile.start(async () => {
  handler = await startCallbackServer();
  return { CALLBACK_URL: handler.url.href, JWT_SECRET: 'secret', HTTP_PORT: '0' };
});
afterAll(() => Promise.all([journal.server.stop(), handler.stop()]));

async function asks(at: ServerOfFile, channel: string, key = 'key', localAddress = '127.0.0.1'): Promise<RtmpClient> {
  const client = await at.connect(channel, { localAddress });
  await client.createStream();
  client.sendPublish(key);
  return client;
}

async function answer(at: ServerOfFile, channel: string, key = 'key'): Promise<ReceivedStatus> {
  const client = await asks(at, channel, key);
  const status = await client.nextStatus();
  if (status.level === 'error') await client.expectClosed();
  else await client.close();
  return status;
}

test('questions stay charged to their address after the publisher has left, and others do not wait for them', async () => {
  const channels = Array.from({ length: 12 }, () => server.newChannel());
  for (const channel of channels) {
    journal.answer(channel, () => ({ neverAnswer: true }));
    const client = await asks(server, channel, 'key', '127.0.0.2');
    await server.process.waitForLog(new RegExp(`\\] publish channel=${channel} |\\) publish channel=${channel} `));
    await client.reset();
    await server.process.waitForLog(new RegExp(`closed channel=${channel} `));
  }
  const honest = server.newChannel();
  await server.publisher(honest, 'key', { localAddress: '127.0.0.3' });
  expect(channels.flatMap((channel) => journal.events(channel))).toEqual(['start', 'start', 'start', 'start']);
});

describe('a wrong key', () => {
  test('makes the next question of the address about that channel wait; the owner still gets in', async () => {
    const channel = server.newChannel();
    journal.answer(channel, ({ claims }) => ({ status: claims['key'] === 'right' ? 200 : 403 }));
    expect((await answer(server, channel, 'wrong')).code).toBe('NetStream.Publish.Denied');
    expect(server.process.log).not.toContain('publish waits');
    expect((await answer(server, channel, 'right')).code).toBe('NetStream.Publish.Start');
    expect(server.process.log).toMatch(/\(127\.0\.0\.1\) publish waits: .* seconds=1\b/);
  });

  test('keeps the channel free for others while its next question waits', async () => {
    const channel = server.newChannel();
    journal.answer(channel, ({ claims }) => ({ status: claims['key'] === 'right' ? 200 : 403 }));
    await answer(server, channel, 'wrong');
    await answer(server, channel, 'wrong');
    const guesses = await asks(server, channel, 'guess');
    await server.process.waitForMatches(new RegExp(`publish waits.* channel=${channel} seconds=2\\b`), 1);
    await server.publisher(channel, 'right', { localAddress: '127.0.0.4' });
    expect(journal.events(channel)).toEqual(['start', 'start', 'start']);
    await guesses.close();
  });
});

test('a query string of 1 KB reaches the handler, a longer one is refused for good with the reason', async () => {
  const [fits, tooLong] = [server.newChannel(), server.newChannel()];
  expect((await answer(server, fits, `key?${'t'.repeat(1_024)}`)).code).toBe('NetStream.Publish.Start');
  expect((await journal.next(fits, 'start')).claims['query']).toHaveLength(1_024);
  expect(await answer(server, tooLong, `key?${'t'.repeat(1_025)}`)).toMatchObject({
    code: 'NetStream.Publish.Denied',
    description: expect.stringContaining('1024 bytes'),
  });
  expect(journal.events(tooLong)).toEqual([]);
});

test('a handler that is down is not asked again and again: publishers are told to try again, until it answers', async () => {
  const down = async (): Promise<string> => {
    const page = await (await fetch(failing.process.httpUrl('/metrics'))).text();
    return /^rtmp_callback_handler_down (\d)$/m.exec(page)?.[1] ?? 'missing';
  };
  handler.answerWith(() => ({ status: 503 }));
  expect(await down()).toBe('0');
  const asked: string[] = [];
  let status = await answer(failing, failing.newChannel());
  for (; !status.description.includes('try again'); status = await answer(failing, failing.newChannel())) {
    expect(status).toMatchObject({ code: 'NetStream.Publish.BadName', description: expect.stringContaining('503') });
    asked.push(status.description);
  }
  expect(status.code).toBe('NetStream.Publish.BadName');
  expect(asked.length).toBeGreaterThanOrEqual(5);
  expect(handler.requests).toHaveLength(asked.length);
  expect(await down()).toBe('1');
  handler.answerWith(() => ({}));
  do status = await answer(failing, failing.newChannel());
  while (status.level === 'error');
  await failing.process.waitForLog(/The callback handler answers again/);
  expect(await down()).toBe('0');
  expect(failing.process.log.match(/callback handler (is down|answers again)/g)).toHaveLength(2);
});
