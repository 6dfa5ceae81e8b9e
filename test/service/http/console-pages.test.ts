import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { HttpServer } from '../../../service/http/http-server';
import { MemoryLogger } from '../../support/memory-logger';
import { ensureBundle } from '../../support/servers/server-process';

/** Of everything that the page loads before a preview is opened, compressed. */
const MOST_BYTES = 100_000;

let server: HttpServer;
let port: number;

beforeAll(async () => {
  ensureBundle();
  server = new HttpServer({
    ready: () => ({ ready: true }),
    streams: () => [],
    metrics: { contentType: 'text/plain', scrape: () => Promise.resolve('') },
    log: new MemoryLogger(),
  });
  port = await server.listen(0, '127.0.0.1');
});
afterAll(() => server.close());

interface Page {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Without the decompression that fetch does. */
async function page(path: string, headers: Record<string, string> = {}): Promise<Page> {
  const request = get({ port, host: '127.0.0.1', path, headers });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) };
}

/** Files that the page names, and files that those import at once. */
async function loadedAtOnce(): Promise<string[]> {
  const { body } = await page('/');
  const found = [...body.toString().matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => `/${path!}`);
  for (const path of found) {
    const text = path.endsWith('.js') ? (await page(path)).body.toString() : '';
    for (const [, name] of text.matchAll(/\bfrom ?"\.\/([\w-]+\.js)"/g)) found.push(`/console/${name!}`);
  }
  return found;
}

test('the page is asked for each time, its files are kept: their names change with their contents', async () => {
  const { headers } = await page('/');
  expect(headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' });
  const files = await loadedAtOnce();
  expect(files.length).toBeGreaterThanOrEqual(3);
  for (const path of files) {
    expect(path).toMatch(/-[A-Z0-9]{8}\.(?:js|css|svg)$/);
    const file = await page(path);
    expect(file.status).toBe(200);
    expect(file.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  }
});

test('an unchanged page is not sent again', async () => {
  const { headers } = await page('/');
  const again = await page('/', { 'if-none-match': `"other", ${headers.etag!}` });
  expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, headers.etag]);
  expect((await page('/', { 'if-none-match': '"other"' })).status).toBe(200);
});

test('a client gets brotli, gzip or neither, as it accepts', async () => {
  const plain = await page('/');
  expect(plain.headers['content-encoding']).toBeUndefined();
  const brotli = await page('/', { 'accept-encoding': 'gzip, deflate, br' });
  expect(brotli.headers).toMatchObject({ 'content-encoding': 'br', vary: 'accept-encoding' });
  expect(brotliDecompressSync(brotli.body)).toEqual(plain.body);
  const gzip = await page('/', { 'accept-encoding': 'gzip, br;q=0' });
  expect(gzip.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(gzip.body)).toEqual(plain.body);
});

test('the policy allows no inline script or style, and no other server', async () => {
  const { headers, body } = await page('/');
  const policy = headers['content-security-policy'] as string;
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  expect(body.toString()).not.toMatch(/<style|<script(?![^>]* src=)| style=| on\w+=/);
  expect(headers['x-content-type-options']).toBe('nosniff');
});

test('everything but the preview is below 100 KB compressed', async () => {
  const files = ['/', ...(await loadedAtOnce())];
  const sizes = await Promise.all(
    files.map(async (path) => (await page(path, { 'accept-encoding': 'gzip' })).body.length),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  expect(total).toBeGreaterThan(10_000);
  expect(total).toBeLessThan(MOST_BYTES);
});

test('the page of a strange host name is refused, and no file outside of the console is found', async () => {
  expect((await page('/', { host: 'rebound.example.com' })).status).toBe(403);
  for (const path of ['/console/', '/console/../package.json', '/console/%2e%2e/x', '//', '/console/__proto__']) {
    expect((await page(path)).status).toBe(404);
  }
});
