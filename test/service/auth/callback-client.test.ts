import { type AddressInfo, type Socket, createServer } from 'node:net';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { CallbackClient, MAX_CONCURRENT_CALLBACKS } from '../../../service/auth/callback-client';
import { type CallbackServer, startCallbackServer } from '../../support/servers/callback-server';
import { createTestCa } from '../../support/servers/test-ca';

/** A payload that the recording server can read. */
const TOKEN = `e30.${Buffer.from('{"event":"start"}').toString('base64url')}.c2ln`;
const ENOUGH_MS = 20_000;

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) {
    await cleanUp();
  }
});

async function start(): Promise<{ server: CallbackServer; client: CallbackClient }> {
  const server = await startCallbackServer();
  const client = new CallbackClient({ url: server.url });
  cleanUps.push(
    () => server.stop(),
    () => client.close(),
  );
  return { server, client };
}

/** A server that sends raw bytes, for answers that no HTTP server gives. */
async function startRaw(onRequest: (socket: Socket) => void): Promise<CallbackClient> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => onRequest(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new CallbackClient({ url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`) });
  cleanUps.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => sockets.forEach((socket) => socket.destroy()),
    () => client.close(),
  );
  return client;
}

describe('a callback request', () => {
  test('is a POST to the exact URL with an empty body and the token', async () => {
    const { server, client } = await start();
    await client.post(TOKEN, ENOUGH_MS);
    const request = server.requests[0]!;
    expect(request).toMatchObject({ method: 'POST', url: '/hooks/rtmp?site=1', body: '' });
    expect(request.headers).toMatchObject({ 'rtmp-event': TOKEN, 'content-length': '0' });
    expect(request.headers).not.toHaveProperty('transfer-encoding');
  });

  test('sends credentials of the URL as basic authorization', async () => {
    const { server } = await start();
    const url = new URL(server.url);
    url.username = 'me';
    url.password = 'p%40ss';
    const client = new CallbackClient({ url });
    cleanUps.push(() => client.close());
    await client.post(TOKEN, ENOUGH_MS);
    const wanted = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    expect(server.requests[0]!.headers.authorization).toBe(wanted);
  });

  test('uses its connection again', async () => {
    const { server, client } = await start();
    server.answerWith(() => ({ body: 'ignored' }));
    await client.post(TOKEN, ENOUGH_MS);
    await client.post(TOKEN, ENOUGH_MS);
    await client.post(TOKEN, ENOUGH_MS);
    expect(server.requests.map((request) => request.connection)).toEqual([1, 1, 1]);
  });

  test('has a connection of its own when a fresh one is asked for, which no other request uses', async () => {
    const { server, client } = await start();
    await client.post(TOKEN, ENOUGH_MS);
    await client.post(TOKEN, ENOUGH_MS, { fresh: true });
    await client.post(TOKEN, ENOUGH_MS, { fresh: true });
    await client.post(TOKEN, ENOUGH_MS);
    expect(server.requests.map((request) => request.connection)).toEqual([1, 2, 3, 1]);
  });
});

describe('an answer', () => {
  test('gives its status and headers, whatever the case of their names', async () => {
    const { server, client } = await start();
    server.answerNext({ status: 403, headers: { 'STREAM-Id': 'abc' } });
    const answer = await client.post(TOKEN, ENOUGH_MS);
    expect(answer).toMatchObject({ outcome: 'answered', status: 403 });
    expect(answer.outcome === 'answered' && answer.headers.get('stream-id')).toBe('abc');
  });

  test('has a UTF-8 header read as UTF-8, and only the first of a repeated one', async () => {
    const client = await startRaw((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nstream-id: é-1\r\nstream-id: second\r\ncontent-length: 0\r\n\r\n'),
    );
    const answer = await client.post(TOKEN, ENOUGH_MS);
    expect(answer.outcome === 'answered' && answer.headers.get('stream-id')).toBe('é-1');
  });

  test('with a header called __proto__ is an answer like any other', async () => {
    const client = await startRaw((socket) =>
      socket.write('HTTP/1.1 200 OK\r\n__proto__: x\r\n__proto__: y\r\nstream-id: s-1\r\ncontent-length: 0\r\n\r\n'),
    );
    const answer = await client.post(TOKEN, ENOUGH_MS);
    expect(answer.outcome === 'answered' && [...answer.headers]).toEqual([['stream-id', 's-1']]);
  });

  test('that redirects is not followed', async () => {
    const { server, client } = await start();
    server.answerNext({ status: 307, headers: { location: new URL('/elsewhere', server.url).href } });
    await expect(client.post(TOKEN, ENOUGH_MS)).resolves.toMatchObject({ outcome: 'answered', status: 307 });
    expect(server.requests).toHaveLength(1);
  });

  test('counts as soon as its headers are in, though the body never ends', async () => {
    const client = await startRaw((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'));
    await expect(client.post(TOKEN, ENOUGH_MS)).resolves.toMatchObject({ outcome: 'answered', status: 200 });
  });

  test('with an endless body costs the connection', async () => {
    let closed: () => void;
    const ended = new Promise<void>((resolve) => (closed = resolve));
    const client = await startRaw((socket) => {
      socket.once('close', () => closed());
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const more = (): boolean => socket.writable && socket.write(Buffer.alloc(16_384), more as () => void);
      more();
    });
    await expect(client.post(TOKEN, ENOUGH_MS)).resolves.toMatchObject({ outcome: 'answered', status: 200 });
    await ended;
  });
});

describe('no answer', () => {
  test('from a handler that never gives one is a time-out, and the connection is closed', async () => {
    let closed: () => void;
    const ended = new Promise<void>((resolve) => (closed = resolve));
    const client = await startRaw((socket) => socket.once('close', () => closed()));
    await expect(client.post(TOKEN, 50)).resolves.toEqual({ outcome: 'timed-out' });
    await ended;
  });

  test('from headers that never end is a time-out', async () => {
    const client = await startRaw((socket) => socket.write('HTTP/1.1 200 OK\r\nstream-id: a'));
    await expect(client.post(TOKEN, 50)).resolves.toEqual({ outcome: 'timed-out' });
  });

  test('waits for a connection when too many fresh ones are open, and none is used twice', async () => {
    const { server, client } = await start();
    server.answerWith(() => ({ delayMs: 1 }));
    const all = Array.from({ length: MAX_CONCURRENT_CALLBACKS + 20 }, () =>
      client.post(TOKEN, ENOUGH_MS, { fresh: true }),
    );
    for (const answer of await Promise.all(all)) expect(answer).toMatchObject({ outcome: 'answered', status: 200 });
    expect(new Set(server.requests.map((request) => request.connection)).size).toBe(all.length);
  });

  test('from a closed port is unreachable, with the code as the reason', async () => {
    const { server, client } = await start();
    await server.stop();
    await expect(client.post(TOKEN, ENOUGH_MS)).resolves.toEqual({ outcome: 'unreachable', reason: 'ECONNREFUSED' });
  });

  test('from a handler that hangs up, or talks something else, is unreachable', async () => {
    const { server, client } = await start();
    server.answerNext({ hangUp: true });
    await expect(client.post(TOKEN, ENOUGH_MS)).resolves.toMatchObject({ outcome: 'unreachable' });
    const ssh = await startRaw((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    await expect(ssh.post(TOKEN, ENOUGH_MS)).resolves.toMatchObject({ outcome: 'unreachable' });
  });

  test('is waited for no longer when the signal is raised', async () => {
    const { server, client } = await start();
    server.answerNext({ neverAnswer: true });
    const abort = new AbortController();
    const answer = client.post(TOKEN, ENOUGH_MS, { signal: abort.signal });
    await server.request(1);
    abort.abort();
    await expect(answer).resolves.toEqual({ outcome: 'aborted' });
    await expect(client.post(TOKEN, ENOUGH_MS, { signal: abort.signal })).resolves.toEqual({ outcome: 'aborted' });
    expect(server.requests).toHaveLength(1);
  });
});

describe('an https handler', () => {
  const ca = createTestCa();
  afterAll(() => ca.remove());

  test('of an unknown authority is unreachable, and never sees the token', async () => {
    const server = await startCallbackServer(ca);
    const client = new CallbackClient({ url: server.url });
    cleanUps.push(
      () => server.stop(),
      () => client.close(),
    );
    await expect(client.post(TOKEN, ENOUGH_MS)).resolves.toEqual({
      outcome: 'unreachable',
      reason: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    });
    expect(server.requests).toHaveLength(0);
  });

  test('of a given authority answers, over one kept connection', async () => {
    const server = await startCallbackServer(ca);
    const client = new CallbackClient({ url: server.url, trustedCa: ca.ca });
    cleanUps.push(
      () => server.stop(),
      () => client.close(),
    );
    await expect(client.post(TOKEN, ENOUGH_MS)).resolves.toMatchObject({ outcome: 'answered', status: 200 });
    await client.post(TOKEN, ENOUGH_MS);
    expect(server.requests.map((request) => request.connection)).toEqual([1, 1]);
  });

  test('whose certificate names another host is unreachable', async () => {
    const other = createTestCa('DNS:elsewhere.example');
    const server = await startCallbackServer(other);
    const client = new CallbackClient({ url: server.url, trustedCa: other.ca });
    cleanUps.push(
      () => other.remove(),
      () => server.stop(),
      () => client.close(),
    );
    await expect(client.post(TOKEN, ENOUGH_MS)).resolves.toEqual({
      outcome: 'unreachable',
      reason: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(server.requests).toHaveLength(0);
  });

  test.each(['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'])('of an authority that %s names answers', async (variable) => {
    const server = await startCallbackServer(ca);
    cleanUps.push(() => server.stop());
    const env = { ...process.env, CALLBACK_URL: server.url.href, JWT_SECRET: 's', [variable]: ca.caPath };
    const script = join(__dirname, 'post-once.ts');
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script], { env });
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'answered', status: 200 });
    expect(server.requests).toHaveLength(1);
  });
});
