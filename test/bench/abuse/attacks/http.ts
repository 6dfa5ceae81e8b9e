import { addressesOfManyNetworks, addressesOfOneNetwork, ipv4Addresses } from '../addresses';
import type { Attack, AttackContext } from '../attack';
import { churn, lanes, open, silent } from '../flood';

/** Connections of one attacker, and requests on each that are not answered yet. */
const CONNECTIONS = 32;
const PIPELINED = 4;
const REQUESTS = 'request-turns.ts: PER_ADDRESS 200 units a second, OF_ALL 2,000';
const SLOW = 'LIMITS of http-server.ts: 256 connections, headers 5 s, requests 10 s';

const request = (path: string, headers = '', method = 'GET', body = ''): Buffer =>
  Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n${body}`);

interface HttpFlood {
  readonly name: string;
  readonly title: string;
  readonly bytes: Buffer;
  readonly bound?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly from?: () => () => string;
  readonly needs?: Attack['needs'];
}

function httpFlood({ name, title, bytes, bound = REQUESTS, env, from, needs = ['http'] }: HttpFlood): Attack {
  const run = (context: AttackContext): Promise<void> => requests(context, bytes, from?.());
  return { name, title, bound, needs, ...(env && { env }), run };
}

const TOKEN = { OPERATOR_TOKEN: 'a-token-of-the-benchmark' };
const HLS = { HLS_TO: 'memory' };
const fakeJwt = `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.${'e30'.repeat(20)}.${'A'.repeat(43)}`;

/** Attacks on the HTTP port: the API, metrics, players over HTTP, and the console. */
export const httpAttacks: readonly Attack[] = [
  {
    name: 'slow-http',
    title: 'HTTP requests whose headers never end',
    bound: SLOW,
    needs: ['http'],
    run: (context) =>
      silent(context, 512, Buffer.from('GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: '), { port: context.httpPort }),
  },
  {
    name: 'slow-http-many',
    title: 'the same from ever new IPv4 addresses',
    bound: SLOW,
    needs: ['http'],
    run: (context) =>
      silent(context, 2_000, Buffer.from('GET /live/a/key.flv HTTP/1.1\r\nX: '), {
        ...{ port: context.httpPort, from: ipv4Addresses() },
      }),
  },
  {
    name: 'slow-body',
    title: 'orders to the API whose body never comes',
    ...{ bound: SLOW, needs: ['http'], env: TOKEN },
    run: (context) =>
      silent(context, 512, request('/api/v1/login', 'Content-Length: 60000\r\n', 'POST', '{'), {
        port: context.httpPort,
      }),
  },
  {
    name: 'http-connects',
    title: 'HTTP connections that are opened and reset, from ever new IPv4 addresses',
    ...{ bound: SLOW, needs: ['http'] },
    run: (context) => churn(context, request('/healthz'), ipv4Addresses(), 2, context.httpPort),
  },
  {
    name: 'unread-http',
    title: 'requests whose answers are not read',
    ...{ bound: 'MAX_ANSWERS 8, LIMITS: idle 30 s', needs: ['http'] },
    run: (context) => silent(context, 512, request('/console.js'), { port: context.httpPort }),
  },
  httpFlood({ name: 'health', title: 'GET /healthz as fast as it is answered', bytes: request('/healthz') }),
  httpFlood({ name: 'metrics', title: 'GET /metrics', bytes: request('/metrics') }),
  httpFlood({
    ...{ name: 'metrics-64', title: 'GET /metrics from the addresses of one IPv6 /64', bytes: request('/metrics') },
    ...{ from: addressesOfOneNetwork, needs: ['http', 'ipv6'] },
  }),
  httpFlood({
    ...{ name: 'metrics-48', title: 'GET /metrics from ever new /64 networks', bytes: request('/metrics') },
    ...{ from: addressesOfManyNetworks, needs: ['http', 'ipv6'] },
  }),
  httpFlood({ name: 'streams', title: 'GET /api/streams', bytes: request('/api/streams') }),
  httpFlood({ name: 'console', title: 'GET /', bytes: request('/') }),
  httpFlood({
    ...{
      name: 'api-tokens',
      title: 'wrong operator tokens',
      env: TOKEN,
      bound: 'attempts.ts: BURST 10, PER_SECOND 0.1',
    },
    bytes: request('/api/v1/streams', 'Authorization: Bearer wrong\r\nX-Forwarded-For: 192.0.2.1\r\n'),
  }),
  httpFlood({
    ...{ name: 'api-tokens-48', title: 'the same from ever new /64 networks', env: TOKEN },
    ...{
      bound: 'attempts.ts: ALL_BURST 200, ALL_PER_SECOND 5',
      from: addressesOfManyNetworks,
      needs: ['http', 'ipv6'],
    },
    bytes: request('/api/v1/streams', 'Authorization: Bearer wrong\r\nX-Forwarded-For: 192.0.2.1\r\n'),
  }),
  httpFlood({
    ...{ name: 'node-tokens', title: 'forged tokens (JWT) of other nodes, in a fleet', needs: ['http', 'redis'] },
    bytes: request(
      '/api/v1/node',
      `Authorization: Node ${fakeJwt}\r\nContent-Length: 60000\r\n`,
      'POST',
      'x'.repeat(60_000),
    ),
  }),
  httpFlood({ name: 'flv-keys', title: 'wrong stream keys at /live', bytes: request('/live/honest-0/wrong.flv') }),
  httpFlood({
    ...{ name: 'hls-keys', title: 'wrong stream keys at /hls', env: HLS },
    bytes: request('/hls/honest-0/index.m3u8?key=wrong'),
  }),
  httpFlood({
    ...{ name: 'hls-keys-48', title: 'the same from ever new /64 networks', env: HLS },
    ...{ from: addressesOfManyNetworks, needs: ['http', 'ipv6'] },
    bytes: request('/hls/honest-0/index.m3u8?key=wrong'),
  }),
  httpFlood({
    ...{ name: 'hls-tokens', title: 'forged tokens in paths at /hls', env: HLS },
    bytes: request(`/hls/~zzzzzzzz.${'A'.repeat(43)}/honest-0/index.m3u8`),
  }),
  httpFlood({ name: 'watch', title: 'GET /watch', bytes: request('/watch/honest-0'), env: HLS }),
  httpFlood({
    ...{ name: 'websockets', title: 'WebSocket handshakes of players with a wrong key' },
    bytes: request(
      '/live/honest-0/wrong.flv',
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n',
    ),
  }),
];

/** Sends the request again with each answer; a connection that ends is opened again at once. */
async function requests(context: AttackContext, bytes: Buffer, from?: () => string): Promise<void> {
  await lanes(CONNECTIONS, async () => {
    while (context.goesOn()) {
      await new Promise<void>((resolve) => {
        const socket = open(context, { port: context.httpPort, from: from?.() });
        const send = (): void => {
          context.spent.bytes += bytes.length;
          socket.write(bytes);
        };
        const end = setInterval(() => {
          if (!context.goesOn()) socket.destroy();
        }, 20);
        socket
          .on('error', () => undefined)
          .on('close', () => {
            clearInterval(end);
            resolve();
          });
        socket.once('connect', () => {
          for (let i = 0; i < PIPELINED; i += 1) send();
        });
        // An attacker with a new address for each connection uses each of them for a little while only.
        let answers = 0;
        socket.on('data', (answer: Buffer) => {
          const count = answer.toString('latin1').split('HTTP/1.1 ').length - 1;
          answers += count;
          if (from !== undefined && answers >= 40) socket.destroy();
          else for (let i = 0; i < count; i += 1) send();
        });
        socket.on('end', () => socket.destroy());
      });
    }
  });
}
