import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { within } from '../../time/within';
import { messageOf } from '../../errors/error-text';
import { adoptWithOnRead, beforeLoss, decrypt, decryptInto, readNow } from './socket-handle';
import type { TlsTermination } from '../tls/tls-termination';

/** Time limit of the check (ms), which must not delay the start: a machine too busy to meet it uses the public path. */
const TIMEOUT_MS = 2_000;
/** Small, so that a few kilobytes take several reads. */
const BUFFER_BYTES = 1_024;

/**
 * Tests on loopback connections what `socket-handle.ts` does with undocumented parts of Node.js: all bytes arrive, in
 * order and in both directions, reading can be stopped and resumed, an end and a reset are noticed.
 *
 * @param tls present: TLS connections are tested too
 * @returns what does not work; undefined when everything does
 */
export async function findHandleFault(tls?: TlsTermination, timeoutMs = TIMEOUT_MS): Promise<string | undefined> {
  const loopback = new Loopback();
  let step = 'a connection over the loopback';
  const check = async (): Promise<void> => {
    const first = await loopback.pair();
    step = 'reading with onread';
    await checkOnRead(first);
    const second = await loopback.pair();
    step = 'hearing of a loss';
    await checkLoss(second);
    if (tls === undefined) return;
    const third = await loopback.pair();
    step = 'decrypting with onread';
    const client = connectTls({ socket: third.client, rejectUnauthorized: false });
    client.on('error', ignore);
    const secured = await new Promise<TLSSocket>((resolve) => tls.secure(third.accepted, resolve, ignore));
    await checkDecrypting(secured, client, third.client);
  };
  try {
    await within(timeoutMs, check(), () => {
      throw new Error(`not done within ${timeoutMs} ms`);
    });
    return undefined;
  } catch (error) {
    return `${step}: ${messageOf(error)}`;
  } finally {
    loopback.close();
  }
}

interface Pair {
  /** As a listener accepts it: paused. */
  readonly accepted: Socket;
  readonly client: Socket;
}

/** Makes connections within this process. */
class Loopback {
  #server: Server | undefined;
  readonly #sockets: Socket[] = [];

  async pair(): Promise<Pair> {
    const server = (this.#server ??= await listen('127.0.0.1').catch(() => listen('::1')));
    const { address, port } = server.address() as AddressInfo;
    const client = this.#keep(connect({ host: address, port, noDelay: true }));
    for (;;) {
      const [accepted] = (await once(server, 'connection')) as [Socket];
      this.#keep(accepted);
      // Any process of the machine can connect.
      if (accepted.remotePort === client.localPort) return { accepted, client };
      accepted.destroy();
    }
  }

  close(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: Socket): Socket {
    this.#sockets.push(socket);
    return socket.on('error', ignore);
  }
}

async function listen(host: string): Promise<Server> {
  // Without `exclusive`, a worker process would share the port with the other workers.
  const server = createServer({ pauseOnConnect: true, noDelay: true }).listen({ port: 0, host, exclusive: true });
  await once(server, 'listening');
  return server;
}

/** Reads as from a plain connection. */
async function checkOnRead({ accepted, client }: Pair): Promise<void> {
  const buffer = Buffer.alloc(BUFFER_BYTES);
  const received = new Received();
  let goesOn = true;
  const adopted = adoptWithOnRead(accepted, buffer, (bytes) => {
    received.add(buffer.subarray(0, bytes));
    return goesOn;
  });
  if (adopted === undefined) throw new Error('an accepted socket has no handle');
  adopted.on('error', ignore);
  try {
    adopted.resume();
    client.write(pattern(3 * BUFFER_BYTES, 1));
    await received.next(pattern(3 * BUFFER_BYTES, 1));
    await roundTrip(adopted, client);
    if (adopted.writableLength > 0) throw new Error('what is written counts as unsent');

    goesOn = false;
    client.write('stop');
    await received.next(Buffer.from('stop'));
    client.write(pattern(2 * BUFFER_BYTES, 2));
    await roundTrip(adopted, client);
    if (received.length > 0) throw new Error('reading does not stop');
    // On Windows `readNow` has no descriptor to read from, and its callers resume the socket.
    for (let left = process.platform === 'win32' ? 0 : BUFFER_BYTES; left > 0;) {
      const bytes = readNow(adopted, buffer.subarray(0, left));
      received.add(buffer.subarray(0, bytes));
      left -= bytes;
      if (bytes === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    goesOn = true;
    adopted.resume();
    client.write('go on');
    await received.next(Buffer.concat([pattern(2 * BUFFER_BYTES, 2), Buffer.from('go on')]));

    const closed = new Promise((resolve) => adopted.once('close', resolve));
    client.end();
    await closed;
  } finally {
    adopted.destroy();
  }
}

/** Resets the connection, as a publisher's may be. */
async function checkLoss({ accepted, client }: Pair): Promise<void> {
  const adopted = adoptWithOnRead(accepted, Buffer.alloc(BUFFER_BYTES), () => true);
  if (adopted === undefined) throw new Error('an accepted socket has no handle');
  adopted.on('error', ignore);
  const closed = new Promise((resolve) => adopted.once('close', resolve));
  const lost = new Promise<void>((resolve) => beforeLoss(adopted, resolve));
  adopted.resume();
  client.resetAndDestroy();
  await Promise.all([lost, closed]);
}

/** Reads as from a TLS connection. */
async function checkDecrypting(secured: TLSSocket, client: TLSSocket, clientsTcp: Socket): Promise<void> {
  const received = new Received();
  const buffer = Buffer.alloc(16 * BUFFER_BYTES);
  let goesOn = true;
  decryptInto(secured, buffer, (bytes) => {
    received.add(buffer.subarray(0, bytes));
    return goesOn;
  });
  secured.resume();
  client.write(pattern(3 * BUFFER_BYTES, 1));
  await received.next(pattern(3 * BUFFER_BYTES, 1));
  await roundTrip(secured, client);

  goesOn = false;
  client.write('stop');
  await received.next(Buffer.from('stop'));
  client.write(pattern(2 * BUFFER_BYTES, 2));
  await roundTrip(secured, client);
  if (received.length > 0) throw new Error('reading does not stop');
  const encrypted = Buffer.alloc(BUFFER_BYTES);
  while (process.platform !== 'win32' && received.length < 2 * BUFFER_BYTES) {
    const bytes = readNow(secured, encrypted);
    decrypt(secured, encrypted.subarray(0, bytes));
    if (bytes === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  goesOn = true;
  secured.resume();
  client.write('go on');
  await received.next(Buffer.concat([pattern(2 * BUFFER_BYTES, 2), Buffer.from('go on')]));

  const closed = new Promise((resolve) => secured.once('close', resolve));
  clientsTcp.resetAndDestroy();
  await closed;
}

/** Sends bytes the other way: when they have arrived, those that the client sent before have had time to, too. */
async function roundTrip(from: Socket, to: Socket): Promise<void> {
  const arrived = once(to, 'data');
  from.write('there');
  const [bytes] = (await arrived) as [Buffer];
  if (!bytes.equals(Buffer.from('there'))) throw new Error('what is written does not arrive as it was');
  await new Promise((resolve) => setImmediate(resolve));
}

/** Received bytes, to be compared with those that were sent. */
class Received {
  #bytes: Buffer = Buffer.alloc(0);
  #wake: () => void = () => undefined;

  get length(): number {
    return this.#bytes.length;
  }

  add(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    this.#wake();
  }

  /** Resolves when the expected bytes have come; rejects when others have. */
  async next(expected: Buffer): Promise<void> {
    while (this.#bytes.length < expected.length) await new Promise<void>((resolve) => (this.#wake = resolve));
    const bytes = this.#bytes.subarray(0, expected.length);
    this.#bytes = this.#bytes.subarray(expected.length);
    if (!bytes.equals(expected)) throw new Error('what is read is not what was sent');
  }
}

function pattern(size: number, seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed) & 0xff));
}

function ignore(): void {}
