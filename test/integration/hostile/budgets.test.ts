import { afterEach, expect, test } from '@jest/globals';
import { residentBytes } from '../../support/programs/process-memory';
import { avc } from '../../support/rtmp/media';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { command, UserControl, userControl } from '../../support/rtmp/wire-builder';
import { startCallbackServer } from '../../support/servers/callback-server';
import { ServerProcess, type ServerEnvironment } from '../../support/servers/server-process';

const KB = 1024;
let process: ServerProcess;
afterEach(async () => {
  await process.stop('SIGKILL');
});

async function start(settings: ServerEnvironment = {}): Promise<ServerProcess> {
  process = await ServerProcess.start({ HTTP_PORT: '0', ...settings });
  return process;
}

async function metric(name: string): Promise<number> {
  const page = await (await fetch(process.httpUrl('/metrics'))).text();
  return Number(
    page
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1] ?? 0,
  );
}

test('somebody who is refused again and again writes a bounded number of log lines', async () => {
  const { rtmpPort: port } = await start({
    MAX_IP_CONNECTIONS_PER_SECOND: '100000',
    MAX_IP_CONCURRENT_CONNECTIONS: '1000',
  });
  const attempts = 1_500;
  const once = async (): Promise<void> => {
    const client = await RtmpClient.open({ port });
    client.connection.send(command('connect', 1, [{ app: 'no channel' }]));
    await client.connection.closed;
    client.connection.socket.destroy();
  };
  for (let done = 0; done < attempts; done += 50) await Promise.all(Array.from({ length: 50 }, once));
  await process.waitForLog(/log lines were left out.*lines=/);
  const lines = process.log.split('\n').length;
  // 1,000 at once and 20 a second, for as long as a slow machine may take.
  expect(lines).toBeLessThan(1_000 + 60 * 20);
  expect(await metric('rtmp_closed_sessions_total{reason="refused"}')).toBe(attempts);
});

test('a connection that has not shown a key holds a few KB, whatever it calls itself', async () => {
  const { rtmpPort: port, pid } = await start({ CONCURRENT_LIMIT_WHITELIST: '*' });
  const connectAll = (count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        RtmpClient.connect({ port, app: `channel-${i}`, extra: { flashVer: 'x'.repeat(60 * KB) } }),
      ),
    );
  const first = await connectAll(50);
  const before = residentBytes(pid);
  const rest = await connectAll(400);
  expect((residentBytes(pid) - before) / 400).toBeLessThan(90 * KB);
  for (const { connection } of [...first, ...rest]) connection.socket.destroy();
});

test('of a flood before publish, no more messages are read than a connection may send', async () => {
  const { rtmpPort: port } = await start();
  const client = await RtmpClient.connect({ port, app: 'channel' });
  const read = await metric('rtmp_received_bytes_total');
  const { socket, chunks } = client.connection;
  socket.on('error', () => undefined);
  const ping = chunks.message(userControl(UserControl.pingRequest, 1));
  socket.write(Buffer.concat(Array<Buffer>(400_000).fill(ping)));
  await process.waitForLog(/closed channel=channel code=over_budget/);
  // A few reads of 128 KB at most before the budget ends it.
  expect((await metric('rtmp_received_bytes_total')) - read).toBeLessThan(300 * KB);
  socket.destroy();
});

test('two hundred streamers behind one whitelisted address come back all at once and are let in', async () => {
  const handler = await startCallbackServer();
  handler.answerWith(() => ({ delayMs: 50 }));
  const { rtmpPort: port } = await start({
    CONCURRENT_LIMIT_WHITELIST: '127.0.0.1',
    CALLBACK_URL: handler.url.href,
    JWT_SECRET: 'a secret that is long enough for it',
  });
  const streamers = await Promise.all(
    Array.from({ length: 200 }, (_, i) => RtmpClient.publisher({ port, channel: `streamer-${i}`, key: 'key' })),
  );
  for (const streamer of streamers) streamer.sendVideo(0, avc.keyframe('first'));
  await Promise.all(streamers.map((streamer) => streamer.roundTrip()));
  expect(await metric('rtmp_publishers')).toBe(200);
  expect(process.log).not.toMatch(/left out|over_budget|connection refused/);
  for (const { connection } of streamers) connection.socket.destroy();
  await process.stop('SIGKILL');
  await handler.stop();
});
