import { afterAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { ServerProcess, type ServerEnvironment } from '../../support/servers/server-process';
import { createTestCertificate, temporaryDirectory } from '../../support/servers/test-certificates';

const folder = temporaryDirectory();
afterAll(() => folder.remove());

const canConnect = (port: number, host: string): Promise<boolean> =>
  RtmpClient.open({ port, host }).then(
    ({ connection }) => {
      connection.socket.destroy();
      return true;
    },
    () => false,
  );

const canReach = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host }, () => resolve(true)).on('error', () => resolve(false));
    socket.once('close', () => resolve(false)).once('connect', () => socket.destroy());
  });

/** A port that had no listener a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function failedStart(environment: ServerEnvironment): Promise<{ code: number | null; log: string }> {
  const server = await ServerProcess.start(environment, { waitUntilReady: false });
  const { code } = await server.exited;
  return { code, log: server.log };
}

describe('start', () => {
  test('BIND_ADDRESS=127.0.0.1 listens there only', async () => {
    const server = await ServerProcess.start({ BIND_ADDRESS: '127.0.0.1' });
    expect(await canConnect(server.rtmpPort, '127.0.0.1')).toBe(true);
    expect(await canConnect(server.rtmpPort, '127.0.0.2')).toBe(false);
    expect(await canConnect(server.rtmpPort, '::1')).toBe(false);
    await server.stop('SIGKILL');
  });

  test('BIND_ADDRESS unset listens on all addresses, IPv4 and IPv6', async () => {
    const server = await ServerProcess.start({ BIND_ADDRESS: undefined });
    for (const host of ['127.0.0.1', '127.0.0.2', '::1']) expect(await canConnect(server.rtmpPort, host)).toBe(true);
    await server.stop('SIGKILL');
  });

  test('SSL_BIND_ADDRESS is where RTMPS listens, on the port of RTMP if wanted', async () => {
    const { certPath, keyPath } = createTestCertificate(folder.path, 'bound');
    const tls = { SSL_CERT: certPath, SSL_KEY: keyPath };
    const apart = await ServerProcess.start({ ...tls, BIND_ADDRESS: '127.0.0.1', SSL_BIND_ADDRESS: '127.0.0.2' });
    const reached = (port: number) => Promise.all(['127.0.0.1', '127.0.0.2'].map((host) => canReach(port, host)));
    expect(await reached(apart.rtmpPort)).toEqual([true, false]);
    expect(await reached(apart.rtmpsPort)).toEqual([false, true]);
    await apart.stop('SIGKILL');
  });

  test('LOG_INFO, LOG_WARNING and LOG_ERROR turn their lines off, the first those of requests too', async () => {
    const noLines = { LOG_INFO: 'NO', LOG_WARNING: 'NO', LOG_ERROR: 'NO', PLAY_ALLOWED_FROM: '127.0.0.1' };
    const port = await freePort();
    const server = await ServerProcess.start({ ...noLines, RTMP_PORT: String(port) }, { waitUntilReady: false });
    while (!(await canConnect(port, '127.0.0.1'))) await delay(20);
    await (await RtmpClient.publisher({ port, channel: 'live', key: 'demo' })).close();
    expect(await server.stop()).toBe(0);
    expect(server.log).toBe('');
  });

  test('CONTROL_USE=YES does not start: without the control server everybody could publish', async () => {
    const { code, log } = await failedStart({ CONTROL_USE: 'YES', CONTROL_BASE_URL: 'ws://127.0.0.1/' });
    expect(code).toBe(1);
    expect(log).toContain('CONTROL_USE is "YES"; allowed: NO');
  });

  test('RTMP_PORT already taken: clear error in the log and the process ends, not with 0', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, log } = await failedStart({ RTMP_PORT: String(port) });
    other.close();
    expect(code).toBe(1);
    expect(log.trim().split('\n')).toHaveLength(1);
    expect(log).toContain(`RTMP cannot listen on port ${port}: another process uses it (EADDRINUSE); RTMP_PORT`);
  });

  test('SIGTERM ends a start that waits for something, without waiting with it', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo;
    const waitsFor = { ECS_CONTAINER_METADATA_URI_V4: `http://127.0.0.1:${port}/v4`, DRAIN_SECONDS: '1' };
    const server = await ServerProcess.start(waitsFor, { waitUntilReady: false });
    await once(silent, 'connection');
    expect(await server.stop()).toBe(0);
    expect(server.log).toMatch(/shutting down/);
    expect(server.log).not.toMatch(/listening/);
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  test('BIND_ADDRESS that is not of this machine: clear error, and the process ends', async () => {
    const { code, log } = await failedStart({ BIND_ADDRESS: '192.0.2.1' });
    expect(code).toBe(1);
    expect(log).toMatch(/RTMP cannot listen on port 0: this machine does not have the address of BIND_ADDRESS/);
  });

  test('a .env file in the working folder is honoured, real environment variables win', async () => {
    writeFileSync(
      join(folder.path, '.env'),
      'RTMP_CHUNK_SIZE=777\nID_MAX_LENGTH=5 # short\nexport LOG_REQUESTS="NO"\n',
    );
    const server = await ServerProcess.start({ RTMP_CHUNK_SIZE: '888', LOG_REQUESTS: undefined }, { cwd: folder.path });
    const client = await RtmpClient.open({ port: server.rtmpPort });
    expect((await client.callConnect({ app: 'abcdef' })).name).toBe('_error');
    const other = await RtmpClient.connect({ port: server.rtmpPort, app: 'abcde' });
    expect(other.received.find(({ type }) => type === 1)?.payload.readUInt32BE()).toBe(888);
    await other.close();
    await server.stop();
    expect(server.log).not.toContain('abcde');
  });

  test('values that cannot be used stop the start with one message that names each, what it held and what is allowed', async () => {
    const { code, log } = await failedStart({
      RTMP_PORT: '99999',
      RTMP_CHUNK_SIZE: '127',
      GOP_CACHE_SIZE_MB: 'lots',
      MAX_IP_CONCURRENT_CONNECTIONS: 'abc',
      ID_MAX_LENGTH: '0',
      RTMP_PLAY_WHITELIST: '10.0.0.0/8, 10.0.0/8',
      SSL_CERT: '/nonexistent.crt',
      SSL_KEY: '/nonexistent.key',
      LOG_FORMAT: 'xml',
      CALLBACK_URL: 'ftp://example',
    });
    expect(code).toBe(1);
    for (const named of [
      /RTMP_PORT is "99999"; allowed: .*65535/,
      /RTMP_CHUNK_SIZE is "127"; allowed: .*128/,
      /GOP_CACHE_SIZE_MB is "lots"/,
      /MAX_IP_CONCURRENT_CONNECTIONS is "abc"/,
      /ID_MAX_LENGTH is "0"/,
      /RTMP_PLAY_WHITELIST .*"10\.0\.0\/8"/,
      /SSL_CERT is "\/nonexistent\.crt"/,
      /SSL_KEY/,
      /LOG_FORMAT is "xml"; allowed: text or json/,
      /CALLBACK_URL is "ftp:\/\/example"/,
      /JWT_SECRET is not set/,
    ]) {
      expect(log).toMatch(named);
    }
  });

  test('CALLBACK_URL without JWT_SECRET does not start', async () => {
    for (const JWT_SECRET of [undefined, '']) {
      const { code, log } = await failedStart({ CALLBACK_URL: 'http://127.0.0.1:1/', JWT_SECRET });
      expect(code).toBe(1);
      expect(log).toMatch(/JWT_SECRET is not set/);
    }
  });
});
