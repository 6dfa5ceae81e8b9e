import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { SocketTransport } from '../../../../service/net/sockets/socket-transport';
import { closeSocketPairs, socketPair } from '../../../support/rtmp/socket-pair';

afterEach(closeSocketPairs);

async function readBytes(socket: Socket, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= count) break;
  }
  return Buffer.concat(chunks);
}

/** Nobody counts these connections. */
const visit = { proven() {}, leave() {} };
const plainClient = { remoteAddress: '127.0.0.1', secure: false };

function pattern(size: number, seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed) & 0xff));
}

test('one buffer and several arrive in order, and nothing is unsent once the kernel has taken them', async () => {
  const { accepted, client } = await socketPair();
  const transport = new SocketTransport(accepted, visit, plainClient);
  expect(transport.write(Buffer.from('first'))).toBe(false);
  expect(transport.writeAll([Buffer.from(' second')])).toBe(false);
  expect(transport.writeAll([Buffer.from(' third'), Buffer.from(' fourth')])).toBe(false);
  expect((await readBytes(client, 25)).toString()).toBe('first second third fourth');
  expect(transport.unsentBytes).toBe(0);
});

test('bytes stay in order when the kernel takes no more', async () => {
  const { accepted, client } = await socketPair();
  const transport = new SocketTransport(accepted, visit, plainClient);
  const pieces = Array.from({ length: 60 }, (_, i) => pattern(400_000, i));
  const list: Buffer[] = [];
  let unsent = false;
  pieces.forEach((piece, i) => {
    if (i % 5 === 2) {
      // Callers reuse their list for the next write.
      list.splice(0, list.length, piece.subarray(0, 1000), piece.subarray(1000));
      unsent = transport.writeAll(list);
    } else unsent = transport.write(piece);
  });
  expect(unsent).toBe(true);
  expect(transport.unsentBytes).toBeGreaterThan(1_000_000);
  const expected = Buffer.concat(pieces);
  transport.end();
  expect((await readBytes(client, expected.length + 1)).equals(expected)).toBe(true);
});

test.each([0, 3, 5, 8, 20])('%d bytes that another process has sent are not sent again', async (alreadySent) => {
  const { accepted, client } = await socketPair();
  const transport = new SocketTransport(accepted, visit, { ...plainClient, alreadySent });
  transport.write(Buffer.from('first'));
  transport.writeAll([Buffer.from(' second'), Buffer.from(' third')]);
  transport.write(Buffer.from(' fourth'));
  const expected = 'first second third fourth'.slice(alreadySent);
  expect((await readBytes(client, expected.length)).toString()).toBe(expected);
});

test('a client that has gone closes the socket with the reason; what is written until then and later does no harm', async () => {
  const { accepted, client } = await socketPair();
  const transport = new SocketTransport(accepted, visit, plainClient);
  transport.write(Buffer.from('first'));
  await once(client, 'data');
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => accepted.once('error', resolve));
  const gone = new Promise((resolve) => accepted.once('close', resolve));
  client.resetAndDestroy();
  await once(client, 'close');
  // The kernel learns of the reset with the first of these writes and reports it with the next.
  while (!accepted.destroyed) {
    transport.write(pattern(1000, 1));
    transport.writeAll([pattern(10, 1), pattern(10, 2)]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(['EPIPE', 'ECONNRESET']).toContain((await failed).code);
  await gone;
  expect(transport.write(Buffer.from('too late'))).toBe(false);
  expect(transport.writeAll([Buffer.from('too'), Buffer.from('late')])).toBe(false);
});
