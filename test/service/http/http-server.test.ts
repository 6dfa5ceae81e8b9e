import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { AddressRules } from '../../../service/addresses/address-rules';
import { HlsDoor } from '../../../service/http/hls-door';
import { HttpServer, type HttpServerOptions, type Readiness } from '../../../service/http/http-server';
import type { StreamReport } from '../../../service/http/api/stream-report';
import { MemoryLogger } from '../../support/memory-logger';
import { proxyHeaderV2Vectors } from '../../vectors/proxy-protocol-vectors';

const stream: StreamReport = {
  channel: 'news',
  streamId: 'id-1',
  startedAt: '2026-01-02T15:04:05.000Z',
  uptimeSeconds: 12,
  client: { ip: '192.0.2.7', software: 'OBS' },
  video: { codec: 'H.264', width: 1920, height: 1080, frameRate: 30, keyframeIntervalSeconds: 2, bitrateKbps: 4000 },
  audio: null,
  bitrateKbps: 4000,
  players: 3,
  relay: false,
};

let readiness: Readiness;
let scrape: () => Promise<string>;
let logger: MemoryLogger;
let server: HttpServer;
let port: number;

beforeEach(async () => {
  readiness = { ready: true };
  scrape = () => Promise.resolve('rtmp_players 3\n');
  logger = new MemoryLogger();
  server = newServer();
  port = await server.listen(0, '127.0.0.1');
});
afterEach(() => server.close());

function newServer(options: Partial<HttpServerOptions> = {}): HttpServer {
  return new HttpServer({
    ...options,
    ready: () => readiness,
    streams: () => [stream],
    metrics: { contentType: 'text/plain; version=0.0.4', scrape: () => scrape() },
    log: logger,
  });
}

const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init);

test('thousands of questions in one write are not answered: some at a time are', async () => {
  let scrapes = 0;
  scrape = async () => {
    scrapes += 1;
    await new Promise(setImmediate);
    return '';
  };
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(5_000));
  socket.resume();
  await new Promise((closed) => socket.once('close', closed));
  expect(scrapes).toBeLessThanOrEqual(8);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 3; i += 1) {
    const answer = await new Promise<IncomingMessage>((resolve) => {
      request({ port, agent, path: '/metrics' }, resolve).end();
    });
    answer.resume();
    await once(answer, 'end');
    expect(answer.statusCode).toBe(200);
  }
  agent.destroy();
});

describe('requests that only end their own connection', () => {
  const UPGRADE = 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade:';

  /** What is received until the server closes the connection. */
  async function said(text: string): Promise<string> {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    let received = '';
    socket.on('data', (bytes) => (received += bytes.toString()));
    socket.write(text);
    await new Promise((closed) => socket.once('close', closed));
    return received;
  }

  async function restart(options: Partial<HttpServerOptions>): Promise<void> {
    await server.close();
    server = newServer(options);
    port = await server.listen(0, '127.0.0.1');
  }

  test.each([
    ['h2c', '/', '/healthz'],
    ['h2c', '/', '/metrics'],
    ['h2c', '/', '/live/news/key.flv'],
    ['websocket', '/live/news/key.flv', '/metrics'],
  ])('an upgrade to %s, for %s, while %s is being answered', async (protocol, path, first) => {
    const played: string[] = [];
    await restart({ player: { play: () => played.push('stream') } });
    scrape = () => new Promise(() => undefined);
    await said(
      `GET ${first} HTTP/1.1\r\nHost: localhost\r\n\r\nGET ${path} HTTP/1.1\r\n${UPGRADE} ${protocol}\r\n\r\n`,
    );
    expect(played).toHaveLength(first.startsWith('/live') ? 1 : 0);
    expect((await get('/healthz')).status).toBe(200);
  });

  test.each([
    ['a stream', 'Host: localhost'],
    ['a stream over a WebSocket', `${UPGRADE} websocket`],
  ])('%s that cannot be played', async (_, fields) => {
    const play = (): void => {
      throw new Error('no memory');
    };
    await restart({ player: { play } });
    expect(await said(`GET /live/news/key.flv HTTP/1.1\r\n${fields}\r\n\r\n`)).toBe('');
    expect((await get('/healthz')).status).toBe(200);
    expect(logger.entries).toEqual([expect.objectContaining({ message: 'HTTP request failed' })]);
  });

  test.each([
    ['an expectation', 417, 'Host: localhost\r\nExpect: x\r\n'],
    ['no Host', 400, ''],
  ])('%s is answered %d, and not a thousand times at once', async (_, status, fields) => {
    const request = `GET /healthz HTTP/1.1\r\n${fields}\r\n`;
    expect(await said(request)).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\r\nconnection: close\r\n`, 's'));
    const answers = (await said(request.repeat(1_000))).match(/HTTP\/1\.1 /g) ?? [];
    expect(answers.length).toBeLessThanOrEqual(8);
  });

  test('answers that wait for another one when the connection ends leave their places', async () => {
    const hls = new HlsDoor({
      program: () => undefined,
      mayPlay: () => true,
      admits: () => Promise.resolve('noStream'),
      origins: [],
      maxAnswers: 2,
    });
    await restart({ hls });
    const page = '/hls/news/index.m3u8?key=key';
    const asked = new Promise<void>((resolve) => {
      scrape = () => {
        setImmediate(resolve);
        return new Promise(() => undefined);
      };
    });
    const socket = connect(port, '127.0.0.1');
    socket.write(['/metrics', page, page].map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''));
    await asked;
    expect((await get(page)).status).toBe(503);
    socket.destroy();
    let status = 503;
    for (let i = 0; i < 100 && status === 503; i += 1) ({ status } = await get(page));
    expect(status).toBe(404);
    hls.close();
  });
});

describe('a client that asks for more than its share', () => {
  /** A connection of a load balancer, which names this client, with 8 requests. */
  async function flood(client: string, fields = 'Host: localhost\r\n'): Promise<Socket> {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.resume();
    await once(socket, 'connect');
    socket.write(`PROXY TCP4 ${client} 192.0.2.250 1 2\r\n`);
    socket.write(`GET /metrics HTTP/1.1\r\n${fields}\r\n`.repeat(8));
    return socket;
  }

  /** Whether a health check of this client, behind the load balancer, is answered. */
  function isServed(client: string): Promise<boolean> {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write(`PROXY TCP4 ${client} 192.0.2.250 1 2\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    return new Promise((resolve) => {
      socket.once('data', (bytes) => {
        resolve(bytes.toString().startsWith('HTTP/1.1 200'));
        socket.destroy();
      });
      socket.once('close', () => resolve(false));
    });
  }

  test.each([
    ['waits, and others behind the same load balancer do not', undefined, false, undefined],
    ['waits, with expectations that are not met', undefined, false, 'Host: localhost\r\nExpect: x\r\n'],
    ['waits, without a Host', undefined, false, ''],
    ['does not wait where CONCURRENT_LIMIT_WHITELIST has its address', '192.0.2.1', true, undefined],
  ])('%s', async (_, whitelisted, isServedAfterwards, fields) => {
    await server.close();
    server = newServer({
      skipProxyHeaders: true,
      trustedProxies: AddressRules.parse(['127.0.0.1']),
      unlimited: AddressRules.parse(whitelisted === undefined ? [] : [whitelisted]),
      now: () => 1_000,
    });
    port = await server.listen(0, '127.0.0.1');
    const sockets: Socket[] = [];
    // More than is ever taken from it: the clock stands still.
    for (let i = 0; i < 20; i += 1) {
      sockets.push(await flood('192.0.2.1', fields));
      expect(await isServed('192.0.2.2')).toBe(true);
    }
    expect(await isServed('192.0.2.1')).toBe(isServedAfterwards);
    expect(await isServed('192.0.2.2')).toBe(true);
    for (const socket of sockets) socket.destroy();
  });
});

describe('pages', () => {
  test('/healthz is ok while the process lives, ready or not', async () => {
    readiness = { ready: false };
    const answer = await get('/healthz');
    expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
  });

  test('/readyz tells whether new sessions are welcome, and why not', async () => {
    expect((await get('/readyz')).status).toBe(200);
    readiness = { ready: false, reason: 'draining' };
    const answer = await get('/readyz?from=balancer');
    expect([answer.status, await answer.text()]).toEqual([503, 'not ready: draining']);
  });

  test('/metrics has the type that Prometheus asks for', async () => {
    const answer = await get('/metrics');
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect(await answer.text()).toBe('rtmp_players 3\n');
  });

  test('/api/streams is a JSON array of the live streams', async () => {
    const answer = await get('/api/streams');
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(await answer.json()).toEqual([stream]);
  });

  test('HEAD answers as GET does, without the body', async () => {
    const answer = await get('/api/streams', { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(Number(answer.headers.get('content-length'))).toBeGreaterThan(100);
    expect(await answer.text()).toBe('');
  });

  test('anything else is a 404 or 405 in JSON', async () => {
    const unknown = await get('/admin');
    const pages = expect.arrayContaining(['/', '/api/v1', '/live/CHANNEL/KEY.flv', '/metrics']);
    expect([unknown.status, await unknown.json()]).toEqual([404, { error: 'not found', pages }]);
    const posted = await get('/metrics', { method: 'POST', body: 'x'.repeat(100_000) });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(await posted.json()).toEqual({ error: 'method not allowed' });
  });

  test('a page that fails is a 500 without details, and a line in the log', async () => {
    scrape = () => Promise.reject(new Error('details'));
    const answer = await get('/metrics');
    expect([answer.status, await answer.json()]).toEqual([500, { error: 'internal error' }]);
    expect(logger.matching(/^error HTTP request failed .*details/)).toHaveLength(1);
    expect((await get('/healthz')).status).toBe(200);
  });

  test('headers without end are cut off', async () => {
    const answer = await get('/healthz', { headers: { 'x-long': 'x'.repeat(20_000) } });
    expect(answer.status).toBe(431);
  });
});

describe('slow and idle clients', () => {
  test('do not keep a health check out: the oldest of them gives way', async () => {
    const slow = Array.from({ length: 256 }, () => connect(port, '127.0.0.1'));
    for (const socket of slow) socket.on('error', () => undefined).write('GET /metrics HTTP/1.1\r\nHost: x\r\n');
    await Promise.all(slow.map((socket) => once(socket, 'connect')));
    const oldestEnds = once(slow[0]!.resume(), 'close');
    expect((await get('/healthz')).status).toBe(200);
    await oldestEnds;
    expect(slow.filter((socket) => socket.destroyed)).toHaveLength(1);
    for (const socket of slow) socket.destroy();
  });

  test('do not keep others out with bodies that do not arrive', async () => {
    await server.close();
    let asked = 0;
    let all = (): void => undefined;
    const allAsked = new Promise<void>((resolve) => (all = resolve));
    const api = {
      answer: () => {
        asked += 1;
        if (asked === 256) all();
        return new Promise<void>(() => undefined);
      },
    };
    server = newServer({ api });
    port = await server.listen(0, '127.0.0.1');
    const head = 'POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{';
    const slow = Array.from({ length: 256 }, () => connect(port, '127.0.0.1'));
    for (const socket of slow) socket.on('error', () => undefined).write(head);
    await allAsked;
    expect((await get('/healthz')).status).toBe(200);
    for (const socket of slow) socket.destroy();
  });

  test('do not cut off an answer that is being made', async () => {
    let asked = (): void => undefined;
    let give = (_page: string): void => undefined;
    const scraped = new Promise<void>((resolve) => (asked = resolve));
    scrape = () => {
      asked();
      return new Promise((resolve) => (give = resolve));
    };
    const page = get('/metrics');
    await scraped;
    const idle = Array.from({ length: 300 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    expect((await get('/healthz')).status).toBe(200);
    give('rtmp_players 4\n');
    expect(await (await page).text()).toBe('rtmp_players 4\n');
    for (const socket of idle) socket.destroy();
  });
});

describe('the Host header', () => {
  const ask = async (path: string, host: string): Promise<number> => {
    const asked = request({ port, host: '127.0.0.1', path, headers: { host } }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    return answer.statusCode ?? 0;
  };

  test('of a foreign name gets health and nothing of clients', async () => {
    const statuses = await Promise.all(
      ['/healthz', '/readyz', '/metrics', '/api/streams', '/other'].map((path) => ask(path, 'evil.example')),
    );
    expect(statuses).toEqual([200, 200, 403, 403, 403]);
    expect(await ask('/metrics', `127.0.0.1:${port}`)).toBe(200);
    expect(await ask('/metrics', 'localhost')).toBe(200);
  });

  test('may be a name that is configured', async () => {
    await server.close();
    server = newServer({ allowedHosts: ['rtmp.example.com'] });
    port = await server.listen(0, '127.0.0.1');
    expect(await ask('/api/streams', 'rtmp.example.com:8080')).toBe(200);
    expect(await ask('/api/streams', 'evil.example')).toBe(403);
  });
});

describe('listening', () => {
  test('a taken port is one clear error, and the server can still listen elsewhere', async () => {
    const other = newServer();
    await expect(other.listen(port, '127.0.0.1')).rejects.toThrow(
      `HTTP cannot listen on 127.0.0.1 port ${port}: another process uses it`,
    );
    expect(await other.listen(0, '127.0.0.1')).not.toBe(port);
    await other.close();
  });

  test('listenOrNext takes the next port that is free', async () => {
    const other = newServer();
    const found = await other.listenOrNext(port, '127.0.0.1');
    expect(found).toBeGreaterThan(port);
    expect(found).toBeLessThanOrEqual(port + 20);
    expect((await fetch(`http://127.0.0.1:${found}/healthz`)).status).toBe(200);
    await other.close();
  });

  test('listenOrNext gives up in the end, and at once where another port would not help', async () => {
    const other = newServer();
    await expect(other.listenOrNext(port, '127.0.0.1', 0)).rejects.toThrow('another process uses it');
    await expect(other.listenOrNext(port, '192.0.2.1')).rejects.toThrow(`192.0.2.1 port ${port}`);
  });
});

describe('behind a load balancer', () => {
  const healthCheck = Buffer.from(proxyHeaderV2Vectors[0]!.hex.replaceAll(' ', ''), 'hex');
  const headers: readonly (readonly [string, Buffer])[] = [
    ['the header of an AWS health check', healthCheck],
    ['a header that names a client', Buffer.from(proxyHeaderV2Vectors[1]!.hex.replaceAll(' ', ''), 'hex')],
    ['a header of version 1', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n')],
    ['no header', Buffer.alloc(0)],
  ];

  beforeEach(async () => {
    await server.close();
    server = newServer({ skipProxyHeaders: true });
    port = await server.listen(0, '127.0.0.1');
  });

  async function open(): Promise<Socket> {
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  /** Sends bytes, all at once or one by one, and gives what comes back until the server closes. */
  async function exchange(socket: Socket, bytes: Buffer, oneByOne: boolean): Promise<string> {
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString()));
    const parts = oneByOne ? [...bytes].map((byte) => Buffer.of(byte)) : [bytes];
    for (const part of parts) {
      socket.write(part);
      await new Promise(setImmediate);
    }
    await once(socket, 'close');
    return text;
  }

  describe.each([false, true])('byte by byte: %s', (oneByOne) => {
    test.each(headers)('%s in front of requests changes nothing', async (_name, header) => {
      const requests =
        'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
      const answer = await exchange(await open(), Buffer.concat([header, Buffer.from(requests)]), oneByOne);
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
      expect(answer).toMatch(/ok$|ready$/);
    });
  });

  test.each(['POST', 'PUT', 'PATCH'])('%s is not taken for the beginning of a header', async (method) => {
    expect((await get('/healthz', { method })).status).toBe(405);
  });

  test('a second header is no HTTP', async () => {
    const answer = await exchange(await open(), Buffer.concat([healthCheck, healthCheck]), false);
    expect(answer).toMatch(/^HTTP\/1\.1 400/);
  });

  test('connections that only open and close, or say nothing, do not keep it from ending', async () => {
    const [gone, silent, half] = [await open(), await open(), await open()];
    gone.destroy();
    half.write(healthCheck.subarray(0, 20));
    expect((await get('/healthz')).status).toBe(200);
    const ends = [once(silent, 'close'), once(half, 'close')];
    silent.resume();
    half.resume();
    await server.close();
    await Promise.all(ends);
    expect(logger.entries).toEqual([]);
  });
});

describe('close', () => {
  test('ends with connections kept alive, half-sent requests and pages that never come', async () => {
    const agent = new Agent({ keepAlive: true });
    const kept = request({ port, host: '127.0.0.1', path: '/healthz', agent });
    kept.on('error', () => undefined).end();
    await once(kept, 'response');

    const half = connect(port, '127.0.0.1');
    half.on('error', () => undefined).write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
    let asked = (): void => undefined;
    const scraped = new Promise<void>((resolve) => (asked = resolve));
    scrape = () => {
      asked();
      return new Promise(() => undefined);
    };
    const never = get('/metrics').catch(() => 'cut off');
    await scraped;

    await server.close();
    expect(await never).toBe('cut off');
    agent.destroy();
    half.destroy();
    await expect(get('/healthz')).rejects.toThrow();
  });

  test('frees the port, and may be called without or after listening', async () => {
    await server.close();
    await server.close();
    const probe = createServer().listen(port, '127.0.0.1');
    await once(probe, 'listening');
    expect((probe.address() as AddressInfo).port).toBe(port);
    probe.close();
  });
});
