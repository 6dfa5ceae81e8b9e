import { afterEach, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { holdsClientHello, whenHelloHasCome } from '../../../../service/net/tls/client-hello';
import { TlsTermination } from '../../../../service/net/tls/tls-termination';
import { createTestCertificate, temporaryDirectory } from '../../../support/servers/test-certificates';

afterEach(() => void jest.useRealTimers());

/** The first bytes of Node's TLS client, which OpenSSL makes. */
async function helloOf(options: { readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3' } = {}): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connectTls({ ...options, port: (server.address() as AddressInfo).port, servername: 'example.com' });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  server.close();
  return bytes;
}

/** The same message in records of `size` bytes. */
function recut(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part);
  }
  return Buffer.concat(records);
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a hello of OpenSSL (%s) is waited for to its last byte',
  async (maxVersion) => {
    const hello = await helloOf({ maxVersion });
    for (const bytes of [hello, recut(hello, 100), recut(hello, 4)]) {
      for (let length = 0; length < bytes.length; length += 1) {
        expect(holdsClientHello(bytes.subarray(0, length))).toBe(false);
      }
      expect(holdsClientHello(bytes)).toBe(true);
      expect(holdsClientHello(Buffer.concat([bytes, Buffer.from([22])]))).toBe(true);
    }
  },
);

test.each([
  ['RTMP', Buffer.from([3])],
  ['HTTP', Buffer.from('G')],
  ['an alert', Buffer.from([21])],
  ['another handshake message', Buffer.from([22, 3, 1, 0, 40, 2])],
  ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
  ['a record without a whole header', Buffer.from([22, 3, 1, 0, 1, 1])],
  ['a hello that is too long', Buffer.concat([Buffer.from([22, 3, 1, 0xff, 0xff, 1]), Buffer.alloc(17_000)])],
])('%s is not waited for: TLS refuses it', (_, bytes) => {
  expect(holdsClientHello(bytes)).toBe(true);
});

test('the hello and what follows are still to be read afterwards', async () => {
  const hello = await helloOf();
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  const ready = new Promise<void>((resolve) => whenHelloHasCome(socket, resolve));
  client.write(hello.subarray(0, 7));
  client.write(Buffer.concat([hello.subarray(7), Buffer.from('more')]));
  await ready;
  const parts: Buffer[] = [];
  for await (const part of socket as AsyncIterable<Buffer>) {
    parts.push(part);
    if (Buffer.concat(parts).length >= hello.length + 4) break;
  }
  expect(Buffer.concat(parts)).toEqual(Buffer.concat([hello, Buffer.from('more')]));
  client.destroy();
  server.close();
});

test.each([
  ['a part of its hello', 20, false],
  ['its hello', Infinity, true],
])('a client that sends %s and nothing more is given up after 10 s', async (_, length, isAnswered) => {
  const folder = temporaryDirectory();
  const { cert, key } = createTestCertificate(folder.path, 'localhost');
  folder.remove();
  const hello = await helloOf();
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').resume();
  const [socket] = (await once(server, 'connection')) as [Socket];
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'Date'] });
  const failed = jest.fn();
  new TlsTermination({ cert, key }).secure(
    socket.on('error', () => undefined),
    () => undefined,
    failed,
  );
  const answered = once(client, 'data');
  client.write(hello.subarray(0, length));
  if (isAnswered) await answered;
  else answered.catch(() => undefined);
  const closed = once(client, 'close');
  jest.advanceTimersByTime(9_999);
  expect(failed).not.toHaveBeenCalled();
  jest.advanceTimersByTime(1);
  expect(failed.mock.calls).toEqual([['no TLS handshake in time']]);
  await closed;
  server.close();
});
