import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { afterAll, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { ClientHandshake } from '../../support/rtmp/client-handshake';
import { expectFlows, ServerOfFile } from '../../support/servers/server-of-file';
import { createTestCertificate, temporaryDirectory } from '../../support/servers/test-certificates';

const folder = temporaryDirectory();
const { certPath, keyPath } = createTestCertificate(folder.path, 'localhost');
afterAll(() => folder.remove());

/** Far below every time-out of the server, except on a stalled machine (ms). */
const SOON_MS = 5_000;

/** The first bytes of clients of other protocols. */
const words = {
  http: Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  rtmpt: Buffer.from('POST /open/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n\0'),
  ssh: Buffer.from('SSH-2.0-OpenSSH_9.9\r\n'),
  rtmp: new ClientHandshake('simple').c0c1,
  mpegTs: Buffer.concat([Buffer.from('474000100000b00d', 'hex'), Buffer.alloc(180, 0xff)]),
  proxyV1: Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 40000 1935\r\n'),
  proxyV2: Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex'),
};
const ports = { rtmp: 'rtmpPort', rtmps: 'rtmpsPort', http: 'httpPort' } as const;

/** The first bytes of a TLS client. */
async function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const tcp = new Duplex({
      read: () => undefined,
      write: (bytes: Buffer, _encoding, done) => {
        resolve(bytes);
        done();
      },
    });
    connectTls({ socket: tcp, rejectUnauthorized: false }).on('error', () => undefined);
  });
}

/** Sends the bytes, waits until the server closes the connection, and returns the answer. */
async function say(bytes: Buffer, port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.write(bytes);
  socket.resume();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`still open after ${SOON_MS} ms`)), SOON_MS);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
  }).finally(() => socket.destroy());
}

const settings = { SSL_CERT: certPath, SSL_KEY: keyPath, HTTP_PORT: '0' };

describe('a client of another protocol', () => {
  const server = ServerOfFile.start(settings);

  test.each<[string, keyof typeof words | 'tls', keyof typeof ports, RegExp]>([
    ['HTTP on the RTMP port', 'http', 'rtmp', /closed .*this is HTTP/],
    ['RTMPT on the RTMP port', 'rtmpt', 'rtmp', /closed .*this is HTTP/],
    ['TLS on the RTMP port', 'tls', 'rtmp', /closed .*this is TLS/],
    ['SSH on the RTMP port', 'ssh', 'rtmp', /closed .*this is SSH/],
    ['MPEG-TS on the RTMP port', 'mpegTs', 'rtmp', /closed .*this is MPEG-TS/],
    ['a PROXY header, version 1, on the RTMP port', 'proxyV1', 'rtmp', /closed .*this is a PROXY protocol header/],
    ['a PROXY header, version 2, on the RTMP port', 'proxyV2', 'rtmp', /closed .*this is a PROXY protocol header/],
    ['plain RTMP on the RTMPS port', 'rtmp', 'rtmps', /connection refused .*not TLS: a plain RTMP client/],
    ['HTTP on the RTMPS port', 'http', 'rtmps', /connection refused .*an HTTP client on the RTMPS port/],
    ['SSH on the RTMPS port', 'ssh', 'rtmps', /connection refused .*not TLS/],
    ['a PROXY header on the RTMPS port', 'proxyV1', 'rtmps', /connection refused .*not TLS/],
    ['RTMP on the HTTP port', 'rtmp', 'http', /HTTP request refused .*this is RTMP, not HTTP/],
    ['TLS on the HTTP port', 'tls', 'http', /HTTP request refused .*this is TLS, not HTTP/],
    ['SSH on the HTTP port', 'ssh', 'http', /HTTP request refused .*this is SSH, not HTTP/],
  ])('%s: soon over, the log says what it was, nobody else notices', async (_, protocol, port, line) => {
    const channel = server.newChannel();
    const [publisher, player] = [await server.publisher(channel), await server.player(channel)];
    await say(protocol === 'tls' ? await clientHello() : words[protocol], server.process[ports[port]]);
    await server.process.waitForLog(line);
    await expectFlows(publisher, player, protocol);
    expect(server.process.log).not.toMatch(/\[ERROR\]/);
  });

  test('TLS that refuses the certificate, as a self-signed one is refused: the log says so', async () => {
    const { rtmpsPort } = server.process;
    const client = spawn(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${rtmpsPort}`, '-verify_return_error', '-brief'],
      {
        stdio: ['pipe', 'ignore', 'ignore'],
      },
    );
    await once(client, 'exit');
    await server.process.waitForLog(/connection refused .*the client does not trust the certificate: self-signed/);
  });

  test('HTTP in TLS, on the RTMPS port, is RTMP as little', async () => {
    const socket = connectTls({ port: server.process.rtmpsPort, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('error', () => undefined);
    socket.write(words.http);
    socket.resume();
    await new Promise((resolve) => socket.on('close', resolve));
    await server.process.waitForLog(/closed .*this is HTTP/);
  });
});

describe('behind a load balancer, a client of another protocol without a header', () => {
  const server = ServerOfFile.start({ ...settings, PROXY_PROTOCOL: 'v2', PROXY_TRUSTED: '127.0.0.1' });

  test.each<[string, keyof typeof words | 'tls', keyof typeof ports]>([
    ['HTTP', 'http', 'rtmp'],
    ['TLS', 'tls', 'rtmp'],
    ['SSH', 'ssh', 'rtmps'],
    ['RTMP', 'rtmp', 'rtmp'],
    ['a header of another version', 'proxyV1', 'rtmp'],
  ])('%s: soon over, and the first is told of', async (_, protocol, port) => {
    await say(protocol === 'tls' ? await clientHello() : words[protocol], server.process[ports[port]]);
    await server.process.waitForLog(/connection refused .*no PROXY protocol header as it is expected: this is/);
    expect(server.process.log).not.toMatch(/\[ERROR\]/);
  });
});
