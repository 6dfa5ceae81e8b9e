import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { EventEmitter, once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { startCallbackServer, type CallbackServer } from '../../../support/servers/callback-server';
import { startProxyFront, type ProxyFront } from '../../../support/servers/proxy-front';
import { RtmpClient } from '../../../support/rtmp/rtmp-client';
import {
  createTestCertificate,
  temporaryDirectory,
  type TestCertificate,
} from '../../../support/servers/test-certificates';
import { startTestNode, type TestNode } from '../../../support/servers/test-node';

/** The balancer reaches the node from 127.0.0.1; clients come to the balancer from this address. */
const CLIENT = '127.0.0.7';
const BALANCER = { PROXY_TRUSTED: '127.0.0.1' };

const directory = temporaryDirectory();
let certificate: TestCertificate;
beforeAll(() => {
  certificate = createTestCertificate(directory.path, 'front');
});
afterAll(() => directory.remove());

const balancers: ProxyFront[] = [];
const relays: Server[] = [];
afterEach(async () => {
  await Promise.all(balancers.splice(0).map((balancer) => balancer.stop()));
  relays.splice(0).forEach((relay) => relay.close());
});

async function balance(options: Parameters<typeof startProxyFront>[0]): Promise<number> {
  const balancer = await startProxyFront(options);
  balancers.push(balancer);
  return balancer.port;
}

/** Every line with an address, except those about listening. */
const addressesLogged = (node: TestNode): unknown[] => [
  ...new Set(node.log.entries.map(({ fields }) => fields['ip']).filter((ip) => ip !== undefined)),
];

describe.each([
  ['version 1', 'v1', 'send-proxy'],
  ['version 2', 'v2', 'send-proxy-v2'],
  ['version 2 with checksum and TLS details', 'v2', 'send-proxy-v2 proxy-v2-options crc32c,ssl,unique-id'],
  ['any version', 'any', 'send-proxy'],
])('HAProxy with %s', (_name, mode, server) => {
  test("the client's address is the client's for log, callback, limit and whitelist", async () => {
    const callback = await startCallbackServer();
    try {
      await expectClientAddress(mode, server, callback);
    } finally {
      await callback.stop();
    }
  });
});

async function expectClientAddress(mode: string, server: string, callback: CallbackServer): Promise<void> {
  const node = await startTestNode({
    ...BALANCER,
    PROXY_PROTOCOL: mode,
    CALLBACK_URL: callback.url.href,
    JWT_SECRET: 'sesame',
    MAX_IP_CONCURRENT_CONNECTIONS: '2',
    RTMP_PLAY_WHITELIST: '127.0.0.8',
  });
  const port = await balance({ target: node.ports.rtmp, server });
  const to = { port, channel: 'live', key: 'demo' };

  const publisher = await RtmpClient.publisher({ ...to, localAddress: CLIENT });
  expect(callback.requests[0]!.claims).toMatchObject({ event: 'start', client_ip: CLIENT });
  expect(addressesLogged(node)).toEqual([CLIENT]);

  const second = await RtmpClient.connect({ port, app: 'live', localAddress: CLIENT });
  await expect(RtmpClient.connect({ port, app: 'live', localAddress: CLIENT })).rejects.toThrow();
  await expect(node.log.waitFor(/too many from this address/)).resolves.toMatchObject({ fields: { ip: CLIENT } });
  await expect(second.play('demo')).rejects.toThrow();

  const player = await RtmpClient.player({ ...to, localAddress: '127.0.0.8' });
  await player.close();
  await publisher.close();
}

describe('TLS', () => {
  test('ended at the balancer: plain RTMP with the address of the client', async () => {
    const node = await startTestNode({ ...BALANCER, PROXY_PROTOCOL: 'v2' });
    const tlsPem = `${certificate.cert}${certificate.key}`;
    const server = 'send-proxy-v2-ssl-cn proxy-v2-options crc32c';
    const port = await balance({ target: node.ports.rtmp, server, tlsPem });
    const publisher = await RtmpClient.publisher({ port, channel: 'live', key: 'k', localAddress: CLIENT, tls: true });
    expect(addressesLogged(node)).toEqual([CLIENT]);
    await publisher.close();
  });

  test('passed through: the header comes before the handshake with the node', async () => {
    const node = await startTestNode({
      ...BALANCER,
      PROXY_PROTOCOL: 'v2',
      SSL_CERT: certificate.certPath,
      SSL_KEY: certificate.keyPath,
    });
    const port = await balance({ target: node.ports.rtmps!, server: 'send-proxy-v2 proxy-v2-options crc32c' });
    const tls = { ca: certificate.cert, rejectUnauthorized: true };
    const publisher = await RtmpClient.publisher({ port, channel: 'live', key: 'k', localAddress: CLIENT, tls });
    expect(addressesLogged(node)).toEqual([CLIENT]);
    expect(node.log.matching(/"tls":true/)).toHaveLength(1);
    await publisher.close();
  });
});

describe('health checks', () => {
  test.each([
    ['with a header of their own, version 2', 'v2', 'check inter 20ms send-proxy-v2 check-send-proxy'],
    ['with a header of their own, version 1', 'v1', 'check inter 20ms send-proxy check-send-proxy'],
    ['that only connect', 'v2', 'check inter 20ms send-proxy-v2 no-check-send-proxy'],
  ])('%s are neither logged nor counted', async (_name, mode, server) => {
    const node = await startTestNode({ ...BALANCER, PROXY_PROTOCOL: mode, MAX_IP_CONCURRENT_CONNECTIONS: '1' });
    const before = node.log.entries.length;
    const counter = await startCountingRelay(node.ports.rtmp);
    const port = await balance({ target: counter.port, server });
    await counter.connections(20);
    expect(node.log.lines.slice(before)).toEqual([]);
    expect((await node.page('/metrics')).text).not.toMatch(/^rtmp_rejected_connections_total\{/m);

    const publisher = await RtmpClient.publisher({ port, channel: 'live', key: 'k', localAddress: CLIENT });
    await publisher.close();
  });

  test('of the HTTP port come with a header as well, and are answered', async () => {
    const node = await startTestNode({ ...BALANCER, PROXY_PROTOCOL: 'v2' });
    const server = 'send-proxy-v2 proxy-v2-options crc32c';
    const port = await balance({ target: node.ports.http!, server });
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
    expect((await node.page('/healthz')).status).toBe(200);
  });
});

/** Passes connections on and counts those that have ended. */
async function startCountingRelay(target: number) {
  const ended = new EventEmitter();
  let count = 0;
  const relay = createServer((socket) => {
    const onward = connect(target, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on('error', () => undefined);
    socket.on('close', () => onward.destroy());
    onward.on('close', () => {
      socket.destroy();
      count += 1;
      ended.emit('one');
    });
  });
  relays.push(relay.listen(0, '127.0.0.1'));
  await once(relay, 'listening');
  return {
    port: (relay.address() as AddressInfo).port,
    async connections(number: number): Promise<void> {
      while (count < number) await once(ended, 'one');
    },
  };
}
