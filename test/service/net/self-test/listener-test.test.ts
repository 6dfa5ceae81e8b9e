import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Batching } from '../../../../service/net/batching/batching';
import { ConnectionIntake } from '../../../../service/net/connection-intake';
import { openGate } from '../../../../service/net/gate/connection-gate';
import { RtmpListener } from '../../../../service/net/rtmp-listener';
import { ListenerTest } from '../../../../service/net/self-test/listener-test';
import { chooseTestPort, PORT_TAKEN, shakeHandsOnce } from '../../../../service/net/self-test/test-handshake';
import { createTestCertificate, temporaryDirectory } from '../../../support/servers/test-certificates';
import { RtmpClient } from '../../../support/rtmp/rtmp-client';
import { startTestNode } from '../../../support/servers/test-node';
import { SessionRig } from '../../session/session-rig';

const folder = temporaryDirectory();
const { certPath, keyPath } = createTestCertificate(folder.path, 'localhost');
const tls = { SSL_CERT: certPath, SSL_KEY: keyPath };
afterAll(() => folder.remove());

describe('a node that is ready', () => {
  const proxied = { PROXY_PROTOCOL: 'any', PROXY_TRUSTED: '192.0.2.1' };
  test.each<[string, Record<string, string | undefined>]>([
    ['RTMP', {}],
    ['RTMP and RTMPS', tls],
    ['both behind a load balancer', { ...tls, ...proxied }],
    ['behind one that speaks version 1', { ...proxied, PROXY_PROTOCOL: 'v1' }],
    ['all addresses', { BIND_ADDRESS: undefined }],
    ['all IPv4 addresses', { BIND_ADDRESS: '0.0.0.0' }],
    ['one of its addresses', { ...tls, BIND_ADDRESS: '127.0.3.4' }],
    ['IPv6', { ...tls, BIND_ADDRESS: '::1' }],
  ])('has answered test connections, which leave no trace: %s', async (_, settings) => {
    const node = await startTestNode({ MAX_IP_CONCURRENT_CONNECTIONS: '1', ...settings });
    expect(await node.page('/readyz')).toEqual({ status: 200, text: 'ready' });
    const { text } = await node.page('/metrics');
    const counted = text
      .split('\n')
      .filter((line) => /^rtmp_(?:sessions|closed|rejected|received|sent|socket)/.test(line));
    expect(counted.filter((line) => !line.endsWith(' 0'))).toEqual([]);
    expect(node.log.lines.filter((line) => !/^info (?:(?:RTMPS?|HTTP) listening|TLS certificate)/.test(line))).toEqual(
      [],
    );
    if (settings.PROXY_PROTOCOL !== undefined) return;
    const host = settings.BIND_ADDRESS ?? '127.0.0.1';
    const client = await RtmpClient.connect({ port: node.ports.rtmp, host, app: 'channel' });
    expect(node.log.matching(/^request connect/)[0]?.fields).toMatchObject({ session: 1 });
    await client.close();
  });
});

describe('a test connection', () => {
  test('whose local port something else uses says so', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const target = { host: '127.0.0.1', port, secure: false, proxyHeader: Buffer.alloc(0) };
    expect(await shakeHandsOnce(target, port, 1_000)).toBe(PORT_TAKEN);
    other.close();
  });
});

test('a test connection that stays is ended', async () => {
  const rig = new SessionRig();
  const batching = new Batching({ latencyMs: 0, traffic: rig.traffic });
  const context = { ...rig.context, now: () => performance.now() };
  let announced: (localPort: number) => void = () => undefined;
  const tested = new ListenerTest({
    ...{ context, batching, ioPath: 'public', proxy: undefined, log: rig.log },
    processes: 2,
    announcer: { announce: () => Promise.resolve(), onAnnounced: (listener) => (announced = listener) },
    timing: { connectionMs: 1_500 },
  });
  const gate = openGate();
  const intake = new ConnectionIntake({ context, sessions: rig.sessions, batching, ioPath: 'public' });
  const { route } = tested.route('RTMP', false);
  const listener = new RtmpListener({ gate, intake, log: rig.log, tests: route });
  const { port } = await listener.listen(0, '127.0.0.1');
  listener.open();
  const connectAnnounced = async (): Promise<Socket> => {
    for (;;) {
      const localPort = chooseTestPort();
      announced(localPort);
      const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.1', localPort });
      const isFree = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      if (isFree) return socket;
    }
  };
  try {
    const client = await connectAnnounced();
    client.resume();
    // It sends nothing.
    await once(client, 'close');
    expect(rig.sessions.size).toBe(0);
  } finally {
    tested.close();
    listener.close();
  }
});

describe('a listener that does not serve clients', () => {
  let rig: SessionRig;
  let tested: ListenerTest | undefined;
  let server: Server | undefined;
  const sockets: Socket[] = [];
  beforeEach(() => {
    rig = new SessionRig();
  });
  afterEach(() => {
    tested?.close();
    server?.close();
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  /** Tests a port whose server only calls `accept`. */
  async function testOf(accept: (socket: Socket) => void, processes = 1, port?: number): Promise<ListenerTest> {
    server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      accept(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    tested = new ListenerTest({
      context: { ...rig.context, now: () => performance.now() },
      batching: new Batching({ latencyMs: 0, traffic: rig.traffic }),
      ioPath: 'public',
      proxy: undefined,
      log: rig.log,
      processes,
      timing: { periodMs: 10, retryMs: 10, connectionMs: 50, roundMs: 100 },
    });
    const address = server.address() as AddressInfo;
    tested.route('RTMP', false).listensAt({ ...address, port: port ?? address.port });
    return tested;
  }

  test.each<[string, (socket: Socket) => void, RegExp]>([
    ['closes connections', (socket) => socket.destroy(), /RTMP does not answer a test connection: .*(closed|RESET)/],
    ['says nothing', (socket) => socket.resume(), /no answer to the handshake within 0.05 s/],
    ['speaks something else', (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'), /RTMP version 83/],
  ])('%s: it is said once, with the reason', async (_, accept, reason) => {
    const listener = await testOf(accept);
    await listener.start();
    expect(listener.fault).toMatch(reason);
    await Promise.all([listener.start(), listener.start()]);
    expect(rig.log.lines).toEqual([expect.stringMatching(/^error not ready: RTMP does not answer a test connection/)]);
  });

  test('is closed', async () => {
    const listener = await testOf(() => undefined);
    server?.close();
    await once(server!, 'close');
    await listener.start();
    expect(listener.fault).toMatch(/RTMP does not answer a test connection: .*ECONNREFUSED/);
  });

  test('gets no connections, since they go to another process that answers', async () => {
    const node = await startTestNode();
    const listener = await testOf(() => undefined, 2, node.ports.rtmp);
    await listener.start();
    expect(listener.fault).toBe('no test connection to RTMP came to this process');
  });
});
