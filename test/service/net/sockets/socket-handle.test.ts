import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import {
  adoptWithOnRead,
  decrypt,
  decryptInto,
  readNow,
  type OnRead,
} from '../../../../service/net/sockets/socket-handle';
import { createTestCertificate, temporaryDirectory } from '../../../support/servers/test-certificates';

const READ_BUFFER = Buffer.alloc(4096);

let server: Server | undefined;
const sockets: Socket[] = [];

const folder = temporaryDirectory();
afterAll(() => folder.remove());

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

interface Pair {
  readonly client: Socket;
  readonly adopted: Socket;
}

/** A connection whose accepted side is read with `onRead`. `before` sees the accepted socket first. */
async function connected(onRead: OnRead, before: (accepted: Socket) => Promise<void> = async () => {}): Promise<Pair> {
  server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  sockets.push(client, accepted);
  await before(accepted);
  const adopted = adoptWithOnRead(accepted, READ_BUFFER, onRead);
  if (adopted === undefined) throw new Error(`${process.version} does not let accepted sockets be read with onread`);
  sockets.push(adopted);
  return { client, adopted };
}

/** Gathers what is read, and lets a test wait for a number of bytes. */
class Reads {
  text = '';
  count = 0;
  buffers = new Set<Buffer>();
  /** False stops reading after the next read. */
  goOn = true;
  #waiting: { length: number; resolve: () => void } | undefined;

  readonly onRead: OnRead = (bytes, buffer) => {
    this.count += 1;
    this.buffers.add(buffer);
    this.text += buffer.toString('latin1', 0, bytes);
    if (this.#waiting !== undefined && this.text.length >= this.#waiting.length) this.#waiting.resolve();
    return this.goOn;
  };

  async reach(length: number): Promise<string> {
    if (this.text.length < length) await new Promise<void>((resolve) => (this.#waiting = { length, resolve }));
    return this.text;
  }
}

describe(`accepted sockets on Node.js ${process.version}`, () => {
  test('are read straight into our buffer', async () => {
    const reads = new Reads();
    const { client, adopted } = await connected(reads.onRead);
    adopted.resume();
    client.write('hello');
    expect(await reads.reach(5)).toBe('hello');
    client.write('x'.repeat(100_000));
    expect(await reads.reach(100_005)).toBe(`hello${'x'.repeat(100_000)}`);
    expect([...reads.buffers]).toEqual([READ_BUFFER]);
    expect(reads.buffers.has(READ_BUFFER)).toBe(true);
  });

  test('read nothing while paused, as when a decision is awaited', async () => {
    const reads = new Reads();
    const { client, adopted } = await connected(reads.onRead);
    adopted.pause();
    client.write('early');
    await roundTrip(adopted, client);
    expect(reads.count).toBe(0);
    adopted.resume();
    expect(await reads.reach(5)).toBe('early');
  });

  test('stop at once when the callback returns false, and go on when resumed', async () => {
    const reads = new Reads();
    const { client, adopted } = await connected(reads.onRead);
    reads.goOn = false;
    adopted.resume();
    // More than the buffer's size: without the stop it would be filled again and again.
    client.write('y'.repeat(3 * READ_BUFFER.length));
    await reads.reach(1);
    await roundTrip(adopted, client);
    expect([reads.count, reads.text.length]).toEqual([1, READ_BUFFER.length]);
    adopted.resume();
    await reads.reach(2 * READ_BUFFER.length);
    reads.goOn = true;
    adopted.resume();
    expect(await reads.reach(3 * READ_BUFFER.length)).toHaveLength(3 * READ_BUFFER.length);
    expect(reads.count).toBe(3);
  });

  test('are written to, ended and closed as any other', async () => {
    const reads = new Reads();
    const { client, adopted } = await connected(reads.onRead);
    adopted.resume();
    adopted.write('to the client');
    const [data] = (await once(client, 'data')) as [Buffer];
    expect(data.toString()).toBe('to the client');
    expect(adopted.writableLength).toBe(0);
    const closed = once(adopted, 'close');
    client.end('last words');
    await closed;
    expect(reads.text).toBe('last words');
  });

  test('report a reset', async () => {
    const { client, adopted } = await connected(new Reads().onRead);
    adopted.resume();
    const failed = once(adopted, 'error');
    client.resetAndDestroy();
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  test('may have been read from before, for a PROXY header', async () => {
    const reads = new Reads();
    let header = '';
    const { client, adopted } = await connected(reads.onRead, async (accepted) => {
      const first = once(accepted, 'data');
      accepted.resume();
      sockets[0]!.write('PROXY header');
      header = ((await first) as [Buffer])[0].toString();
      accepted.pause();
    });
    adopted.resume();
    client.write('rest');
    expect([header, await reads.reach(4)]).toEqual(['PROXY header', 'rest']);
  });
});

describe(`a socket that is not being read, on Node.js ${process.version}`, () => {
  /** An adopted socket that has read one message and stopped. */
  async function stopped(): Promise<Pair & { readonly reads: Reads }> {
    const reads = new Reads();
    reads.goOn = false;
    const pair = await connected(reads.onRead);
    pair.adopted.resume();
    pair.client.write('first');
    await reads.reach(5);
    return { ...pair, reads };
  }

  test('gives what has come without being resumed, a buffer full at a time', async () => {
    const { client, adopted, reads } = await stopped();
    client.write('z'.repeat(READ_BUFFER.length + 10));
    await roundTrip(adopted, client);
    expect(readNow(adopted, READ_BUFFER)).toBe(READ_BUFFER.length);
    expect(READ_BUFFER.toString('latin1')).toBe('z'.repeat(READ_BUFFER.length));
    expect(readNow(adopted, READ_BUFFER)).toBe(10);
    expect(readNow(adopted, READ_BUFFER)).toBe(0);
    expect(reads.count).toBe(1);
    client.write('later');
    adopted.resume();
    expect(await reads.reach(10)).toBe('firstlater');
  });

  test('and learns of the end when it is resumed', async () => {
    const { client, adopted, reads } = await stopped();
    client.end('last');
    await once(client, 'finish');
    await roundTrip(adopted, client);
    expect([readNow(adopted, READ_BUFFER), readNow(adopted, READ_BUFFER)]).toEqual([4, 0]);
    const closed = once(adopted, 'close');
    adopted.resume();
    await closed;
    expect(reads.text).toBe('first');
    expect(readNow(adopted, READ_BUFFER)).toBe(0);
  });

  test('and of a reset', async () => {
    const { client, adopted } = await stopped();
    const gone = once(client, 'close');
    client.resetAndDestroy();
    await gone;
    const closed = once(adopted, 'close');
    adopted.on('error', () => {});
    expect(readNow(adopted, READ_BUFFER)).toBe(0);
    adopted.resume();
    await closed;
  });
});

describe(`a TLS connection on Node.js ${process.version}`, () => {
  const records = Buffer.alloc(16 * 1024);

  async function securelyConnected(reads: Reads) {
    const { cert, key } = createTestCertificate(folder.path, 'localhost');
    const secureServer = createTlsServer({ cert, key }).listen(0, '127.0.0.1');
    server = secureServer;
    await once(secureServer, 'listening');
    const client = connectTls({ ...(secureServer.address() as AddressInfo), rejectUnauthorized: false });
    client.on('error', () => {});
    const [secured] = (await once(secureServer, 'secureConnection')) as [TLSSocket];
    sockets.push(client, secured);
    decryptInto(secured, records, reads.onRead);
    return { client, secured };
  }

  test('is decrypted into our buffer, by the event loop and at once', async () => {
    const reads = new Reads();
    const { client, secured } = await securelyConnected(reads);
    secured.resume();
    client.write('first');
    expect(await reads.reach(5)).toBe('first');
    reads.goOn = false;
    client.write(' second');
    await reads.reach(12);
    client.write(' third');
    await roundTrip(secured, client);
    expect(reads.text).toBe('first second');

    decrypt(secured, READ_BUFFER.subarray(0, readNow(secured, READ_BUFFER)));
    expect(reads.text).toBe('first second third');
    expect([...reads.buffers]).toEqual([records]);
    expect(readNow(secured, READ_BUFFER)).toBe(0);
    reads.goOn = true;
    secured.resume();
    client.end(' last');
    await once(secured, 'close');
    expect(reads.text).toBe('first second third last');
    decrypt(secured, READ_BUFFER);
  });

  test('fails if what has come is no TLS', async () => {
    const reads = new Reads();
    const { secured } = await securelyConnected(reads);
    const failed = once(secured, 'error');
    decrypt(secured, Buffer.alloc(100, 1));
    expect((await failed)[0]).toMatchObject({ library: 'SSL routines' });
    expect(reads.text).toBe('');
  });

  test('may be closed by what it brings', async () => {
    const { client, secured } = await securelyConnected(new Reads());
    let calls = 0;
    decryptInto(secured, records, () => {
      calls += 1;
      secured.destroy();
      return false;
    });
    client.write('one');
    client.write('two');
    while (calls === 0) {
      const bytes = readNow(secured, READ_BUFFER);
      if (bytes > 0) decrypt(secured, READ_BUFFER.subarray(0, bytes));
      await new Promise(setImmediate);
    }
    expect(calls).toBe(1);
  });
});

test('a socket that is closed already cannot be taken over', async () => {
  await expect(
    connected(new Reads().onRead, async (accepted) => {
      accepted.destroy();
      await once(accepted, 'close');
    }),
  ).rejects.toThrow('onread');
});

/** Resolves when a message has been sent to the client and all that the client sent before should have arrived. */
async function roundTrip(from: Socket, to: Socket): Promise<void> {
  const arrived = once(to, 'data');
  from.write('ping');
  await arrived;
  await new Promise((resolve) => setImmediate(resolve));
}
