import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ClientHandshake } from '../../support/rtmp/client-handshake';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { expectFlows, ServerOfFile } from '../../support/servers/server-of-file';
import { createTestCertificate, temporaryDirectory } from '../../support/servers/test-certificates';

const folder = temporaryDirectory();
const { certPath, keyPath } = createTestCertificate(folder.path, 'localhost');
afterAll(() => folder.remove());

const HEADER = Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 40000 1935\r\n');
/** The parent process is asked for a place for each client: until its answer, only the listener has the connection. */
const settings = { WORKERS: '2', PROXY_PROTOCOL: 'any', PROXY_TRUSTED: '127.0.0.1' };
const { c0c1 } = new ClientHandshake('simple');

/** Connects through a load balancer that sends this with its header. */
async function dial(first: Buffer, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  await new Promise<void>((resolve) => socket.write(Buffer.concat([HEADER, first]), () => resolve()));
  return socket;
}

/** With its handshake done; what follows the header comes in two pieces, the second a moment later. */
async function open(pause: () => Promise<unknown>, port: number): Promise<RtmpClient> {
  const client = await RtmpClient.open({ port, handshake: 'none' });
  const handshake = new ClientHandshake('simple');
  client.sendRaw(Buffer.concat([HEADER, handshake.c0c1.subarray(0, 1)]));
  await pause();
  client.sendRaw(handshake.c0c1.subarray(1, 700));
  await pause();
  client.sendRaw(handshake.c0c1.subarray(700));
  client.sendRaw(handshake.finish(await client.connection.readRaw(ClientHandshake.answerSize)));
  client.connection.startReading();
  return client;
}

/** Reset after so many milliseconds, or in this turn of the event loop. */
async function reset(socket: Socket, afterMs: number): Promise<void> {
  if (afterMs > 0) await sleep(afterMs);
  socket.resetAndDestroy();
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('clients behind a load balancer that reset their connections, with WORKERS=2', () => {
  const server = ServerOfFile.start({ ...settings, SSL_CERT: certPath, SSL_KEY: keyPath });
  /** Streams on both workers, each with a player. */
  const streams: { publisher: RtmpClient; player: RtmpClient }[] = [];
  beforeAll(async () => {
    const publishers: [string, RtmpClient][] = [];
    for (let i = 0; i < 6; i += 1) publishers.push([server.newChannel(), await open(soon, server.port)]);
    for (const [channel, publisher] of publishers) {
      await publisher.callConnect({ app: channel });
      await publisher.publish('key');
      const player = await open(soon, server.port);
      await player.callConnect({ app: channel });
      await player.play('key');
      streams.push({ publisher, player });
    }
    const { log } = server.process;
    for (const worker of [1, 2]) expect(log).toMatch(new RegExp(`publish accepted worker=${worker} `));
  });
  afterAll(() =>
    streams.forEach(({ publisher, player }) =>
      [publisher, player].forEach((client) => client.connection.socket.destroy()),
    ),
  );

  async function expectUnharmed(): Promise<void> {
    for (const [i, { publisher, player }] of streams.entries())
      await expectFlows(publisher, player, `still there ${i}`);
    expect(server.process.log).not.toMatch(/a worker ended|ERROR/);
  }

  test.each([
    ['after the header', Buffer.alloc(0)],
    ['after the first byte', c0c1.subarray(0, 1)],
    ['after half a handshake', c0c1.subarray(0, 700)],
    ['after their part of the handshake', c0c1],
    ['after a word of another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ])('%s, 200 times, harm nobody', async (_, first) => {
    for (let i = 0; i < 50; i += 1) {
      await Promise.all([0, 0, 1, 2].map(async (afterMs) => reset(await dial(first, server.port), afterMs)));
    }
    await expectUnharmed();
  });

  test.each([
    ['before TLS', Buffer.of(0x16, 3, 1)],
    ['with TLS', undefined],
  ])('%s, 200 times, harm nobody', async (_, first) => {
    const { rtmpsPort } = server.process;
    const resetOne = async (afterMs: number): Promise<void> => {
      const socket = await dial(first ?? Buffer.alloc(0), rtmpsPort);
      if (first === undefined) {
        const tls = connectTls({ socket, rejectUnauthorized: false });
        tls.on('error', () => undefined);
        await once(tls, 'secureConnect');
      }
      await reset(socket, afterMs);
    };
    for (let i = 0; i < 50; i += 1) await Promise.all([0, 0, 1, 2].map(resetOne));
    await expectUnharmed();
  });

  test('and those who go on are all answered, in whatever pieces their bytes come', async () => {
    for (let i = 0; i < 40; i += 1) {
      const clients = await Promise.all(
        [soon, () => sleep(1), soon, () => Promise.resolve()].map((pause) => open(pause, server.port)),
      );
      for (const client of clients) {
        expect((await client.callConnect({ app: 'channel' })).name).toBe('_result');
        client.connection.socket.destroy();
      }
    }
    await expectUnharmed();
  });
});

describe('places of clients that left while one was asked for', () => {
  const limited = ServerOfFile.start({ ...settings, CONCURRENT_LIMIT_WHITELIST: undefined });

  test('are free again', async () => {
    for (let i = 0; i < 25; i += 1) {
      await Promise.all([0, 0, 1, 2].map(async (afterMs) => reset(await dial(c0c1, limited.port), afterMs)));
    }
    const all = async (): Promise<RtmpClient[]> => {
      const results = await Promise.allSettled([0, 1, 2, 3].map(() => open(soon, limited.port)));
      const clients = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      if (clients.length === 4) return clients;
      for (const { connection } of clients) connection.socket.destroy();
      throw new Error(`${clients.length} of 4 got a place`);
    };
    // Nothing tells when the server has noticed the last of them.
    const clients = await retried(all);
    await expect(open(soon, limited.port)).rejects.toThrow();
    for (const { connection } of clients) connection.socket.destroy();
  });
});

async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 100; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
      await sleep(20);
    }
  }
}
