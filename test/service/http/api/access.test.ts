import { beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { connect } from 'node:net';
import { AccessRules, type ApiClient } from '../../../../service/http/api/access-rules';
import type { ApiProblem } from '../../../../service/http/api/problems';
import { Access } from '../../../../service/http/api/schemas/access';
import { Problem } from '../../../../service/http/api/schemas/problem';
import { startTestNode, type TestNode } from '../../../support/servers/test-node';
import { type ApiAnswer, get, post, TOKEN, WITH_TOKEN } from './api-client';

function problem({ json, type, status }: ApiAnswer): Problem {
  expect(type).toBe('application/problem+json; charset=utf-8');
  const read = Problem.parse(json);
  expect(read.status).toBe(status);
  return read;
}

/** Requests that `fetch` would not send: with a Host or an Origin of one's own. */
function raw(node: TestNode, path: string, headers: Record<string, string>, method = 'GET'): Promise<Problem> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { port: node.ports.http, host: '127.0.0.1', path: `/api/v1${path}`, method, headers },
      (answer) => {
        let text = '';
        answer.on('data', (part) => (text += String(part)));
        answer.on('end', () => resolve(JSON.parse(text) as Problem));
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

describe('a node with OPERATOR_TOKEN', () => {
  let node: TestNode;
  beforeEach(async () => {
    node = await startTestNode({ OPERATOR_TOKEN: TOKEN });
  });

  test('lets everybody on the same machine read, and nobody give orders without the token', async () => {
    expect((await get(node, '/streams')).status).toBe(200);
    expect(problem(await post(node, '/streams/news/end', undefined, {})).code).toBe('tokenNeeded');
    expect(problem(await post(node, '/streams/news/end', undefined, { authorization: 'Bearer wrong' })).code).toBe(
      'tokenWrong',
    );
    expect((await post(node, '/streams/news/end')).status).toBe(200);
  });

  test('does not take a request that a proxy passed on for one of the same machine', async () => {
    const names =
      'x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-port x-forwarded-server cf-connecting-ip forwarded ' +
      'true-client-ip via x-client-ip x-cluster-client-ip x-envoy-external-address x-real-ip';
    for (const name of names.split(' ')) {
      expect(problem(await get(node, '/streams', { headers: { [name]: '203.0.113.7' } })).code).toBe('tokenNeeded');
    }
    const { status } = await get(node, '/streams', { headers: { ...WITH_TOKEN, 'x-forwarded-for': '203.0.113.7' } });
    expect(status).toBe(200);
  });

  test('does not take a request of HTTP/1.0 for one of the same machine: nginx sends such', async () => {
    const answer = (version: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect({ port: node.ports.http ?? 0, host: '127.0.0.1' });
        let text = '';
        socket.on('data', (part) => (text += String(part)));
        socket.on('end', () => resolve(text));
        socket.on('error', reject);
        socket.write(`GET /api/v1/streams HTTP/${version}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
      });
    expect(await answer('1.1')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await answer('1.0')).toMatch(/^HTTP\/1\.1 401 /);
  });

  test('exchanges the token for a cookie that scripts cannot read and other sites do not send', async () => {
    expect(problem(await post(node, '/login', { token: 'not the token' }, {})).code).toBe('tokenWrong');
    const { headers } = await post(node, '/login', { token: TOKEN }, {});
    const cookie = headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/; Max-Age=\d+$/);
    expect(cookie).not.toContain(TOKEN);
    const [session = ''] = cookie.split(';');
    expect((await post(node, '/streams/news/end', undefined, { cookie: session })).status).toBe(200);
    expect(Access.parse((await get(node, '/access', { headers: { cookie: session } })).json).mayOrder).toBe(true);
    // Whoever changes its end cannot know the seal that belongs to it.
    const longer = session.replace(/=\d+/, (until) => `=${Number(until.slice(1)) + 1}`);
    expect(problem(await post(node, '/streams/news/end', undefined, { cookie: longer })).code).toBe('tokenNeeded');
    const out = await post(node, '/logout', undefined, { cookie: session });
    expect(out.headers.get('set-cookie')).toMatch(/^rtmp_operator=; .*Max-Age=0$/);
    expect(Access.parse(out.json).mayOrder).toBe(false);
  });

  test('refuses pages of other sites, also with the cookie', async () => {
    const foreign = { ...WITH_TOKEN, origin: 'https://evil.example' };
    expect((await raw(node, '/streams/news/end', foreign, 'POST')).code).toBe('crossOrigin');
    expect((await raw(node, '/streams', { 'sec-fetch-site': 'cross-site' })).code).toBe('crossOrigin');
    const own = { ...WITH_TOKEN, origin: `http://127.0.0.1:${node.ports.http}`, 'sec-fetch-site': 'same-origin' };
    expect((await raw(node, '/streams/news/end', own, 'POST')).code).toBeUndefined();
  });

  test('refuses host names that it does not know (DNS rebinding)', async () => {
    expect((await raw(node, '/streams', { host: 'evil.example' })).code).toBe('hostNotAllowed');
  });

  test('takes a client that leaves amid its request for no fault', async () => {
    const socket = connect(node.ports.http ?? 0, '127.0.0.1');
    const left = (): boolean => node.log.matching(/^debug HTTP client left/).length > 0;
    const head = 'Host: localhost\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 9';
    socket.write(`POST /api/v1/login HTTP/1.1\r\n${head}\r\n\r\n`);
    await once(socket, 'data');
    socket.destroy();
    for (let i = 0; i < 1_000 && !left(); i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(left()).toBe(true);
    expect(node.log.matching(/^error/)).toEqual([]);
  });

  test('answers problems as JSON, whatever is asked', async () => {
    expect(problem(await get(node, '/nothing')).code).toBe('notFound');
    expect(problem(await get(node, '/streams', { method: 'DELETE' })).code).toBe('methodNotAllowed');
    expect(problem(await get(node, '/streams?sort=colour')).detail).toContain('sort');
    expect(problem(await get(node, '/streams?colour=red')).code).toBe('badRequest');
    expect(problem(await get(node, '/streams/a%0Ab')).code).toBe('badRequest');
    expect(problem(await post(node, '/streams/news/block', { seconds: 0 })).code).toBe('badRequest');
    expect(problem(await post(node, '/streams/news/block', { seconds: 60, reason: 'x'.repeat(70_000) })).code).toBe(
      'tooLarge',
    );
    expect(problem(await post(node, '/streams/news/block')).detail).toContain('application/json');
    expect(problem(await post(node, '/node', { ask: 'node' }, { authorization: 'Node forged' })).code).toBe(
      'tokenWrong',
    );
  });
});

test('behind a trusted proxy, a client that guesses tokens makes only itself wait', async () => {
  const node = await startTestNode({ OPERATOR_TOKEN: TOKEN, PROXY_PROTOCOL: 'any', PROXY_TRUSTED: '127.0.0.1' });
  const codeFor = async (address: string, token: string): Promise<string> => {
    const socket = connect(node.ports.http ?? 0, '127.0.0.1');
    socket.write(
      `PROXY TCP4 ${address} 192.0.2.2 1 2\r\nGET /api/v1/nodes HTTP/1.1\r\nHost: localhost\r\n` +
        `Authorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    );
    let text = '';
    for await (const part of socket) text += String(part);
    return /"code":"(\w+)"/.exec(text)?.[1] ?? text.slice(9, 12);
  };
  for (let i = 0; i < 11; i += 1) await codeFor('203.0.113.7', 'wrong');
  expect(await codeFor('203.0.113.7', TOKEN)).toBe('tooManyAttempts');
  expect(await codeFor('198.51.100.1', TOKEN)).toBe('200');
});

test('without OPERATOR_TOKEN there are no orders, and the answer says what to set', async () => {
  const node = await startTestNode();
  const { code, detail } = problem(await post(node, '/streams/news/end', undefined, {}));
  expect(code).toBe('tokenNotSet');
  expect(detail).toContain('OPERATOR_TOKEN');
  expect(problem(await post(node, '/streams/news/end', undefined, { authorization: 'Bearer ' })).code).toBe(
    'tokenNotSet',
  );
  expect(problem(await post(node, '/login', { token: 'x' }, {})).code).toBe('tokenNotSet');
  expect(Access.parse((await get(node, '/access')).json)).toMatchObject({
    mayRead: true,
    mayOrder: false,
    tokenIsSet: false,
  });
});

describe('the rules', () => {
  const clock = { ms: 1_700_000_000_000 };
  const from = (remoteAddress: string, headers: Record<string, string> = {}): IncomingMessage =>
    ({ socket: { remoteAddress }, headers, httpVersion: '1.1' }) as unknown as IncomingMessage;
  const client = (address: string, isDirect = true): ApiClient => ({ address, isDirect });
  const rules = (token: string | undefined = TOKEN): AccessRules =>
    new AccessRules({ token: () => token, now: () => clock.ms });
  const codeOf = (check: () => void): string | undefined => {
    try {
      check();
      return undefined;
    } catch (error) {
      return (error as ApiProblem).problem.code;
    }
  };

  test('another machine has to send the token to read', () => {
    expect(codeOf(() => rules().check(from('203.0.113.7'), 'read', client('203.0.113.7')))).toBe('tokenNeeded');
    expect(codeOf(() => rules().check(from('203.0.113.7', WITH_TOKEN), 'read', client('203.0.113.7')))).toBeUndefined();
    expect(
      codeOf(() =>
        new AccessRules({ token: () => undefined }).check(from('203.0.113.7'), 'read', client('203.0.113.7')),
      ),
    ).toBe('tokenNotSet');
  });

  test('loopback has many addresses, and none behind the PROXY protocol', () => {
    for (const address of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1']) {
      expect(codeOf(() => rules().check(from(address), 'read', client(address)))).toBeUndefined();
      expect(codeOf(() => rules().check(from(address), 'read', client(address, false)))).toBe('tokenNeeded');
    }
  });

  test('after ten wrong tokens an address has to wait, even with the right one; others need not', () => {
    const one = rules();
    const wrong = { authorization: 'Bearer wrong' };
    const codes = Array.from({ length: 12 }, () =>
      codeOf(() => one.check(from('203.0.113.7', wrong), 'order', client('203.0.113.7'))),
    );
    expect(codes.slice(0, 10)).toEqual(Array(10).fill('tokenWrong'));
    expect(codes.at(-1)).toBe('tooManyAttempts');
    expect(codeOf(() => one.check(from('203.0.113.7', WITH_TOKEN), 'order', client('203.0.113.7')))).toBe(
      'tooManyAttempts',
    );
    expect(codeOf(() => one.check(from('198.51.100.1', WITH_TOKEN), 'order', client('198.51.100.1')))).toBeUndefined();
    clock.ms += 11_000;
    expect(codeOf(() => one.check(from('203.0.113.7', WITH_TOKEN), 'order', client('203.0.113.7')))).toBeUndefined();
  });

  test('a login ends after half a day, and when the token changes', () => {
    const cookie = rules().logIn(from('203.0.113.7'), TOKEN, client('203.0.113.7')).split(';')[0]!;
    expect(
      codeOf(() => rules().check(from('203.0.113.7', { cookie }), 'order', client('203.0.113.7'))),
    ).toBeUndefined();
    expect(
      codeOf(() =>
        rules('another-token-than-before').check(from('203.0.113.7', { cookie }), 'order', client('203.0.113.7')),
      ),
    ).toBe('tokenNeeded');
    clock.ms += 12 * 3_600_000 + 1_000;
    expect(codeOf(() => rules().check(from('203.0.113.7', { cookie }), 'order', client('203.0.113.7')))).toBe(
      'tokenNeeded',
    );
  });
});
