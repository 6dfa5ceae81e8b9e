import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { DirectWriter } from '../../../service/net/direct-writer';
import { SocketTransport } from '../../../service/net/socket-transport';

const opened: (Server | Socket)[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) {
    if ('destroy' in each) each.destroy();
    else each.close();
  }
});

async function connectedPair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = (await once(server, 'connection')) as [Socket];
  opened.push(server, near, far);
  return { near, far };
}

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

function pattern(size: number, seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed) & 0xff));
}

test('this Node.js lets media go past the stream', async () => {
  const { near, far } = await connectedPair();
  const transport = new SocketTransport(near, '127.0.0.1', false);
  transport.write(Buffer.from('first'));
  expect(DirectWriter.for(near)).toBeDefined();
  transport.write(Buffer.from(' second'));
  transport.writeAll([Buffer.from(' third'), Buffer.from(' fourth')]);
  expect((await readBytes(far, 25)).toString()).toBe('first second third fourth');
  expect(transport.unsentBytes).toBe(0);
});

test('bytes stay in order when the kernel takes no more', async () => {
  const { near, far } = await connectedPair();
  const transport = new SocketTransport(near, '127.0.0.1', false);
  const pieces = Array.from({ length: 60 }, (_, i) => pattern(400_000, i));
  pieces.forEach((piece, i) => {
    if (i % 5 === 2) transport.writeAll([piece.subarray(0, 1000), piece.subarray(1000)]);
    else transport.write(piece);
  });
  expect(transport.unsentBytes).toBeGreaterThan(1_000_000);
  const expected = Buffer.concat(pieces);
  transport.end();
  const received = await readBytes(far, expected.length + 1);
  expect(received.equals(expected)).toBe(true);
});

test('a request that the kernel still works on is not used again, even when nothing seems to be queued', async () => {
  const { near } = await connectedPair();
  const transport = new SocketTransport(near, '127.0.0.1', false);
  transport.write(Buffer.from('first'));
  const { _handle: handle } = near as unknown as {
    _handle: { writeBuffer(request: { getAsyncId(): number }, bytes: Buffer): number };
  };
  const pending: object[] = [];
  const writeBuffer = handle.writeBuffer.bind(handle);
  Object.defineProperties(handle, {
    // A queue that the kernel emptied between two attempts.
    writeQueueSize: { get: () => 0 },
    writeBuffer: {
      value(request: { getAsyncId(): number }, bytes: Buffer) {
        const status = writeBuffer(request, bytes);
        if (request.getAsyncId() > 0) pending.push(request);
        return status;
      },
    },
  });
  const piece = pattern(400_000, 7);
  for (let i = 0; i < 60; i += 1) transport.write(piece);
  expect(pending.length).toBeGreaterThan(2);
  expect(new Set(pending).size).toBe(pending.length);
});

test('a peer that has gone closes the socket with the reason', async () => {
  const { near, far } = await connectedPair();
  near.pause();
  const transport = new SocketTransport(near, '127.0.0.1', false);
  transport.write(Buffer.from('first'));
  await once(far, 'data');
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => near.once('error', resolve));
  const gone = new Promise((resolve) => near.once('close', resolve));
  far.resetAndDestroy();
  await once(far, 'close');
  // The kernel learns of the reset with the first of these writes and says so with the next.
  while (!near.destroyed) {
    transport.write(pattern(1000, 1));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(['EPIPE', 'ECONNRESET']).toContain((await failed).code);
  await gone;
  transport.write(Buffer.from('too late'));
});
