import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadServiceConfig } from '../../service/config/service-config';
import { LocalConsole, type Pages } from '../../service/cli/local-console/local-console';
import { NodeSource } from '../../service/cli/sources/node-source';
import { RedisSource } from '../../service/cli/sources/redis-source';
import { SseReader } from '../../service/cli/sources/sse-reader';
import { type ApiStandIn, news, refused, startApiStandIn, TOKEN } from './api-stand-in';
import { ensureBundle } from '../support/servers/server-process';
import { cli } from './cli-runner';

let api: ApiStandIn;
const consoles: LocalConsole[] = [];
const pages: Pages = {
  answer(path, _request, response) {
    if (path === '/') response.end('the page');
    return path === '/';
  },
};

beforeEach(async () => {
  api = await startApiStandIn();
});
afterEach(async () => {
  await Promise.all(consoles.splice(0).map((console) => console.close()));
  await api.stop();
});

async function open(token: string | null = TOKEN): Promise<string> {
  const local = new LocalConsole(new NodeSource({ url: api.url, token: token ?? undefined }), pages);
  consoles.push(local);
  return local.listen(0);
}

/** A request with headers that fetch does not let a program choose. */
async function ask(
  url: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    request.on('error', reject).end();
  });
}

test('the page and the API are served together; the token goes to the node and nowhere else', async () => {
  const url = await open();
  const page = await fetch(url);
  const streams = await fetch(`${url}api/v1/streams?limit=10`);
  expect(await streams.json()).toMatchObject({ streams: [news] });
  const shown = await page.text();
  expect(shown).toBe('the page');
  const everything = [shown, ...[...page.headers, ...streams.headers].flat()].join('\n');
  expect(everything).not.toContain(TOKEN);
  expect(api.requests).toEqual([`GET /streams?limit=10 Bearer ${TOKEN}`]);
});

test('orders are passed on; without a token the console is read-only and says what to do', async () => {
  const headers = { 'content-type': 'application/json' };
  const block = { method: 'POST', headers, body: JSON.stringify({ seconds: 60 }) };
  const answer = await fetch(`${await open()}api/v1/streams/news/block`, block);
  expect(await answer.json()).toMatchObject({ order: 'block', done: true });
  const readOnly = await open(null);
  const access = await (await fetch(`${readOnly}api/v1/access`)).json();
  expect(access).toMatchObject({ mayRead: true, mayOrder: false, sentence: expect.stringContaining('OPERATOR_TOKEN') });
  expect((await fetch(`${readOnly}api/v1/streams/news/block`, block)).status).toBe(403);
  expect(api.requests).toEqual([`POST /streams/news/block Bearer ${TOKEN} {"seconds":60}`]);
});

test.each([
  ['/streams/news/explode', 404],
  ['/streams/news/forward', 400],
  ['/streams/news/remove-output', 400],
  ['/streams/news/block', 400],
  ['/streams/news/close', 400],
])('POST %s without a fitting body is refused: %d', async (path, status) => {
  const answer = await fetch(`${await open()}api/v1${path}`, { method: 'POST', body: '{}' });
  expect(answer.status).toBe(status);
  expect(api.requests).toEqual([]);
});

test('orders about outputs are passed on, and a wrong address is refused without repeating it', async () => {
  const url = await open();
  const post = (order: string, body: object) =>
    fetch(`${url}api/v1/streams/news/${order}`, { method: 'POST', body: JSON.stringify(body) });
  expect(await (await post('forward', { url: 'rtmp://host/app/key' })).json()).toMatchObject({ order: 'forward' });
  await post('record', { formats: ['mp4'] });
  await post('stop-recording', {});
  await post('remove-output', { output: 'hls' });
  const refusal = await post('forward', { url: 'http://host/app/s3cr3t' });
  expect(refusal.status).toBe(400);
  const said = await refusal.text();
  expect(said).toContain('the address is not of the form rtmp://');
  expect(said).not.toContain('s3cr3t');
  expect(api.requests).toEqual([
    `POST /streams/news/forward Bearer ${TOKEN} {"url":"rtmp://host/app/key"}`,
    `POST /streams/news/record Bearer ${TOKEN} {"formats":["mp4"]}`,
    `POST /streams/news/stop-recording Bearer ${TOKEN} {}`,
    `POST /streams/news/remove-output Bearer ${TOKEN} {"output":"hls"}`,
  ]);
});

test('events are passed on as they come', async () => {
  const url = await open();
  const stop = new AbortController();
  const response = await fetch(`${url}api/v1/events?figures=true`, {
    headers: { accept: 'text/event-stream' },
    signal: stop.signal,
  });
  await api.follower();
  api.send(`id: e1\nevent: publish.refused\ndata: ${JSON.stringify(refused)}\n\n`);
  const reader = new SseReader();
  const decoder = new TextDecoder();
  const messages: unknown[] = [];
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    messages.push(...reader.read(decoder.decode(bytes, { stream: true })));
    if (messages.length > 0) break;
  }
  expect(messages).toEqual([{ name: 'publish.refused', id: 'e1', data: JSON.stringify(refused) }]);
  stop.abort();
});

test('a preview is passed on while it is live; where the source carries no video, it says so', async () => {
  const stop = new AbortController();
  const preview = await fetch(`${await open()}api/v1/streams/news/live.flv`, { signal: stop.signal });
  expect(preview.headers.get('content-type')).toBe('video/x-flv');
  const { value } = (await preview.body?.getReader().read()) as { value: Uint8Array };
  expect(Buffer.from(value).toString()).toBe('FLV and more');
  stop.abort();
  const local = new LocalConsole(new RedisSource(loadServiceConfig({ REDIS_USE: 'YES' }).config.redis!), pages);
  consoles.push(local);
  const answer = await fetch(`${await local.listen(0)}api/v1/streams/news/live.flv`);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('--node') });
});

describe('requests of other sites are refused before anything is asked', () => {
  test.each([
    ['another name for this machine (DNS rebinding)', { host: 'evil.example:80' }],
    ['a page of another site', { origin: 'https://evil.example' }],
    ['a page of another port', { origin: 'http://127.0.0.1:1' }],
    ['a cross-site request, as browsers mark it', { 'sec-fetch-site': 'cross-site' }],
  ])('%s', async (_name, headers) => {
    const url = await open();
    for (const [path, method] of [
      ['api/v1/streams', 'GET'],
      ['api/v1/streams/news/end', 'POST'],
      ['', 'GET'],
    ] as const) {
      const { status, body } = await ask(`${url}${path}`, headers, method);
      expect(status).toBe(403);
      expect(JSON.parse(body)).toMatchObject({
        status: 403,
        code: expect.stringMatching(/hostNotAllowed|crossOrigin/),
      });
    }
    expect(api.requests).toEqual([]);
  });
});

test('the command tells the address, serves until it is stopped, and ends', async () => {
  ensureBundle();
  const stop = new AbortController();
  let first: ((text: string) => void) | undefined;
  const printed = new Promise<string>((resolve) => (first = resolve));
  const running = cli(['console', '--json', '--node', api.url], {
    signal: stop.signal,
    wrote: (line) => first?.(line),
  });
  const { url } = JSON.parse(await printed) as { url: string };
  expect((await fetch(`${url}api/v1/nodes`)).status).toBe(200);
  const page = await fetch(url);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(await page.text()).toMatch(/<script[^>]+console\//);
  stop.abort();
  expect((await running).code).toBe(0);
  await expect(fetch(url)).rejects.toThrow();
});

test('a port that is taken is told', async () => {
  const port = new URL(await open()).port;
  const { code, err } = await cli(['console', '--port', port, '--node', api.url]);
  expect(code).toBe(1);
  expect(err).toContain('the port is taken');
});
