import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { ServerProcess } from '../support/servers/server-process';
import { socketsOf, workersOf } from '../support/servers/worker-processes';

let server: ServerProcess;
const clients: Promise<RtmpClient>[] = [];

beforeEach(async () => {
  server = await ServerProcess.start({ WORKERS: '2', CONCURRENT_LIMIT_WHITELIST: '*' });
});
afterEach(async () => {
  for (const client of clients.splice(0)) {
    await client.then(
      ({ connection }) => connection.socket.destroy(),
      () => undefined,
    );
  }
  await server.stop('SIGKILL');
});

/** Connects and shakes hands. */
function open(): Promise<RtmpClient> {
  const client = RtmpClient.open({ port: server.rtmpPort });
  clients.push(client);
  client.catch(() => undefined);
  return client;
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !holds(); i += 1) await sleep(20);
}

/** Resolves when a new worker has replaced a worker that has ended. */
async function replaced(): Promise<void> {
  await server.waitForLog(/a worker ended, another one is started/);
  await server.waitForLog(/(?:RTMP listening[^]*){3}/);
}

test('a connection on its way to a worker that dies is served by another one', async () => {
  const { pid } = server;
  const [first] = workersOf(server);
  const before = socketsOf(pid);
  process.kill(first!, 'SIGSTOP');
  const opened = [open(), open(), open(), open()];
  let served = 0;
  for (const client of opened) void client.then(() => (served += 1));
  // All but the connection that the stopped worker was given.
  await until(() => served === 3);
  process.kill(first!, 'SIGKILL');
  for (const client of await Promise.all(opened)) expect(client.connection.isOpen).toBe(true);
  await replaced();
  // The parent process keeps none of them.
  await until(() => socketsOf(pid) <= before);
  expect(socketsOf(pid)).toBeLessThanOrEqual(before);
  // The remaining worker and the new worker get connections in turn.
  for (let i = 0; i < 8; i += 1) await open();
});

test('viewers on their way to a worker that dies are told, and the parent process keeps none of them', async () => {
  const { pid, rtmpPort: port } = server;
  const before = socketsOf(pid);
  await RtmpClient.publisher({ port, channel: 'a', key: 'key' });
  const [, owner] = await server.waitForLog(/publish accepted worker=(\d+) channel=a /);
  const victim = workersOf(server)[Number(owner) - 1]!;
  process.kill(victim, 'SIGSTOP');
  const viewers: RtmpClient[] = [];
  // The stopped worker gets one connection, if none waits there already; the other workers move theirs to it.
  for (let i = 0; i < 5; i += 1) {
    const viewer = await Promise.race([open(), sleep(1_000).then(() => undefined)]);
    if (viewer === undefined) continue;
    await viewer.callConnect({ app: 'a' });
    await viewer.createStream();
    viewer.sendPlay('key');
    viewers.push(viewer);
  }
  await server.waitForMatches(/closed .*code=moved/, viewers.length);
  process.kill(victim, 'SIGKILL');
  for (const viewer of viewers) await viewer.expectClosed();
  await replaced();
  await until(() => socketsOf(pid) <= before);
  expect(socketsOf(pid)).toBeLessThanOrEqual(before);
});
