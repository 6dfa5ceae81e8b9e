import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { RedisServer, type RedisServerOptions } from '../../support/servers/redis-server';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { ServerProcess, type ServerEnvironment } from '../../support/servers/server-process';
import { createTestCa } from '../../support/servers/test-ca';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function startRedis(options?: RedisServerOptions): Promise<RedisServer> {
  const redis = await RedisServer.start(options);
  ends.push(() => redis.remove());
  return redis;
}

async function startServer(environment: ServerEnvironment): Promise<ServerProcess> {
  const server = await ServerProcess.start({ REDIS_USE: 'YES', ...environment });
  ends.push(() => server.stop('SIGKILL'));
  return server;
}

async function publisherOf(server: ServerProcess): Promise<RtmpClient> {
  const publisher = await RtmpClient.publisher({ port: server.rtmpPort, channel: 'channel', key: 'key' });
  ends.push(() => publisher.connection.socket.destroy());
  return publisher;
}

/** Until the subscription is there, which it must be within 30 s. */
async function kills(redis: RedisServer, publisher: RtmpClient): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await redis.publish('rtmp_commands', 'kill-session>channel')) === 0) {
    if (Date.now() > deadline) throw new Error('not subscribed within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await publisher.expectClosed();
}

describe('redis connection', () => {
  test('REDIS_HOST unset means the local host, with redis on 127.0.0.1 only (no IPv6)', async () => {
    const redis = await startRedis();
    const server = await startServer({ REDIS_PORT: String(redis.port) });
    await kills(redis, await publisherOf(server));
  });

  test('REDIS_USE=true is YES, as it is for the Rust port', async () => {
    const redis = await startRedis();
    const server = await startServer({ REDIS_USE: 'true', REDIS_TLS: 'False', REDIS_PORT: String(redis.port) });
    await kills(redis, await publisherOf(server));
  });

  test('REDIS_PASSWORD is used (requirepass)', async () => {
    const redis = await startRedis({ password: 'the password' });
    const server = await startServer({ REDIS_PORT: String(redis.port), REDIS_PASSWORD: 'the password' });
    await kills(redis, await publisherOf(server));
    expect(server.log).not.toContain('the password');
  });

  test.each(['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'REDIS_TLS_CA'])(
    'REDIS_TLS=YES against redis-server --tls-port with a self-signed CA given by %s',
    async (variable) => {
      const ca = createTestCa();
      ends.push(() => ca.remove());
      const redis = await startRedis({ tls: ca });
      const server = await startServer({ REDIS_PORT: String(redis.port), REDIS_TLS: 'YES', [variable]: ca.caPath });
      await kills(redis, await publisherOf(server));
    },
  );

  test('REDIS_TLS=YES without the CA: no connection, a warning, and the server serves', async () => {
    const ca = createTestCa();
    ends.push(() => ca.remove());
    const redis = await startRedis({ tls: ca });
    const server = await startServer({ REDIS_PORT: String(redis.port), REDIS_TLS: 'YES' });
    await server.waitForLog(/WARNING.*Redis at .* cannot be used/);
    await publisherOf(server);
  });

  test('a second fault behind the first one is told as well: redis starts late and wants a password', async () => {
    const redis = await startRedis({ password: 'secret' });
    await redis.stop();
    const server = await startServer({ REDIS_PORT: String(redis.port) });
    await server.waitForLog(/WARNING.*Redis at .* cannot be used/);
    await redis.start();
    await server.waitForLog(/WARNING.*Redis at .* cannot be used.*REDIS_PASSWORD/);
  }, 60_000);

  test.each(['stop', 'kill'] as const)(
    'redis-server ended (%s) and started again: the server subscribes again within 30 s and obeys; publishing went on meanwhile',
    async (end) => {
      const redis = await startRedis();
      const server = await startServer({ REDIS_PORT: String(redis.port) });
      await server.waitForLog(/Listening for commands/);
      const publisher = await publisherOf(server);
      const player = await RtmpClient.player({ port: server.rtmpPort, channel: 'channel', key: 'key' });
      await redis[end]();
      await server.waitForLog(/Redis at .* cannot be used/);
      publisher.sendVideo(0, Buffer.from([0x17, 1, 0, 0, 0, 1]));
      await player.nextVideo();
      await redis.start();
      await kills(redis, publisher);
      await player.waitForStatus('NetStream.Play.UnpublishNotify');
      await player.close();
    },
    60_000,
  );

  test('redis down at start: the server starts and serves, and subscribes within 30 s once redis is there', async () => {
    const redis = await startRedis();
    await redis.stop();
    const server = await startServer({ REDIS_PORT: String(redis.port) });
    const publisher = await publisherOf(server);
    await server.waitForLog(/WARNING.*Redis at .* cannot be used/);
    await redis.start();
    await kills(redis, publisher);
  }, 60_000);

  test.each([undefined, 'NO', 'false'])('REDIS_USE %s: no connection to redis is made', async (use) => {
    const sockets: Socket[] = [];
    const watched = createServer((socket) => sockets.push(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
    await once(watched, 'listening');
    ends.push(() => {
      sockets.forEach((socket) => socket.destroy());
      watched.close();
    });
    const { port } = watched.address() as AddressInfo;
    const server = await startServer({ REDIS_USE: use, REDIS_PORT: String(port) });
    await (await publisherOf(server)).roundTrip();
    expect(await server.stop()).toBe(0);
    expect(sockets).toHaveLength(0);
  });
});
