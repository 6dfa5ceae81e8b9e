import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HlsDoor, type HlsDoorOptions } from '../../../service/http/hls-door';
import { PathTokens } from '../../../service/http/hls-path-tokens';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let program: Server;
let front: Server;
let base: string;
let door: HlsDoor;
let answer: Answer;
const asked: { url: string; authorization: string | undefined }[] = [];
let now = Date.UTC(2026, 10, 30);
const open = new Map([['news', 'key']]);
let wrongKeys: number;

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

async function start(options: Partial<HlsDoorOptions> = {}): Promise<void> {
  const port = await listening(program);
  door = new HlsDoor({
    program: () => ({ port, token: 'token' }),
    mayPlay: () => true,
    admits: (channel, key) =>
      Promise.resolve(!open.has(channel) ? 'noStream' : open.get(channel) === key ? 'yes' : 'wrongKey'),
    origins: ['https://good.example'],
    maxAnswers: 2,
    tokens: new PathTokens(() => now),
    ...options,
  });
  base = `http://127.0.0.1:${await listening(front)}`;
}

beforeEach(() => {
  asked.length = 0;
  wrongKeys = 0;
  answer = (_, response) => response.writeHead(200, { 'content-type': 'application/vnd.apple.mpegurl' }).end('#EXTM3U');
  program = createServer((request, response) => {
    asked.push({ url: request.url!, authorization: request.headers.authorization });
    answer(request, response);
  });
  const wrongKey = (): void => void (wrongKeys += 1);
  front = createServer((request, response) => void door.answer({ request, response, address: '192.0.2.1', wrongKey }));
});
afterEach(async () => {
  door.close();
  for (const server of [front, program]) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${base}${path}`, { headers, redirect: 'manual' });

test('a key leads to a path that needs none, for this channel alone and for some hours', async () => {
  await start();
  const first = await get('/hls/news/index.m3u8?key=key');
  const location = first.headers.get('location')!;
  expect([first.status, location]).toEqual([302, expect.stringMatching(/^\/hls\/~[^/]+\/news\/index\.m3u8$/)]);
  expect(location).not.toContain('key');
  expect((await get(location)).status).toBe(200);
  expect((await get(location.replace('index.m3u8', 'live.m3u8?_HLS_msn=3&_HLS_part=1&other=1'))).status).toBe(200);
  expect(asked).toEqual([
    { url: '/hls/news/index.m3u8', authorization: 'Bearer token' },
    { url: '/hls/news/live.m3u8?_HLS_msn=3&_HLS_part=1', authorization: 'Bearer token' },
  ]);
  expect((await get(location.replace('/news/', '/other/'))).status).toBe(401);
  expect((await get(location.replace(/.(?=\/news)/, (c) => (c === 'A' ? 'E' : 'A')))).status).toBe(401);
  now += 7 * 3_600_000;
  expect((await get(location)).status).toBe(401);
  expect(asked).toHaveLength(2);
});

test.each([
  ['/hls/news/index.m3u8', 401],
  ['/hls/news/index.m3u8?key=other', 401],
  ['/hls/other/index.m3u8?key=key', 404],
  ['/hls/news/1.m4s?key=key', 404],
  ['/hls/news/1.m4s', 401],
  ['/hls/~x.y/news/1.m4s', 401],
  ['/hls/', 404],
  ['/hls/%/index.m3u8?key=key', 404],
])('%s is answered %d, as a problem, and not asked of the program', async (path, status) => {
  await start();
  const refused = await get(path);
  expect([refused.status, refused.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
  expect(await refused.json()).toMatchObject({ status, detail: expect.any(String) });
  expect(asked).toEqual([]);
});

test('a wrong key is a guess; a path of before a restart, or no key, is none', async () => {
  await start();
  for (const path of [`~${new PathTokens().sign('news')}/news/v.m3u8`, '~x.y/news/v.m3u8', 'news/index.m3u8']) {
    expect((await get(`/hls/${path}`)).status).toBe(401);
  }
  expect(wrongKeys).toBe(0);
  await get('/hls/news/index.m3u8?key=other');
  expect(wrongKeys).toBe(1);
});

test('addresses that may not play, and pages of other origins, are refused', async () => {
  await start();
  const good = await get('/hls/news/index.m3u8?key=key', { origin: 'https://good.example' });
  expect([good.status, good.headers.get('access-control-allow-origin')]).toEqual([302, 'https://good.example']);
  const bad = await get('/hls/news/index.m3u8?key=key', { origin: 'https://bad.example' });
  expect([bad.status, bad.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  const preflight = await fetch(`${base}/hls/news/index.m3u8`, {
    method: 'OPTIONS',
    headers: { origin: 'https://good.example' },
  });
  expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([204, 'GET']);
  expect((await fetch(`${base}/hls/news/index.m3u8`, { method: 'POST' })).status).toBe(405);
});

test('an address outside of the whitelist is refused, with a good key and with a good path', async () => {
  let may = true;
  await start({ mayPlay: () => may });
  const location = (await get('/hls/news/index.m3u8?key=key')).headers.get('location')!;
  may = false;
  expect((await get('/hls/news/index.m3u8?key=key')).status).toBe(403);
  expect((await get(location)).status).toBe(403);
});

test('more answers than allowed are refused, and a viewer who leaves makes room', async () => {
  const held: ServerResponse[] = [];
  await start();
  answer = (_, response) => held.push(response);
  const location = (await get('/hls/news/index.m3u8?key=key')).headers.get('location')!;
  const leaving = new AbortController();
  const waiting = [fetch(base + location, { signal: leaving.signal }).catch(() => undefined), get(location)];
  while (held.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const refused = await get(location);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
  const gone = new Promise((resolve) => held[0]!.once('close', resolve));
  const other = new Promise((resolve) => held[1]!.once('close', resolve));
  leaving.abort();
  // The program hears of it.
  await Promise.race([gone, other]);
  answer = (_, response) => response.end('#EXTM3U');
  for (;;) if ((await get(location)).status === 200) break;
  for (const response of held) response.end();
  await Promise.all(waiting);
});

test('a program that is away or breaks off: 503 and 502', async () => {
  let away = false;
  await start();
  const { port } = program.address() as AddressInfo;
  door.close();
  door = new HlsDoor({
    program: () => (away ? undefined : { port, token: 'token' }),
    mayPlay: () => true,
    admits: () => Promise.resolve('yes'),
    origins: [],
    maxAnswers: 2,
  });
  const location = (await get('/hls/news/index.m3u8?key=key')).headers.get('location')!;
  answer = (request) => request.socket.destroy();
  expect((await get(location)).status).toBe(502);
  away = true;
  expect((await get(location)).status).toBe(503);
});
