import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { ServerProcess } from '../support/servers/server-process';

let server: ServerProcess;
beforeEach(async () => {
  server = await ServerProcess.start({ SILENT_TIMEOUT_SECONDS: '5' });
});
afterEach(() => server.stop('SIGKILL'));

test('clients outlast a time in which the process does not run, longer than their time limit', async () => {
  const where = { port: server.rtmpPort, channel: 'channel', key: 'key' };
  const publisher = await RtmpClient.publisher(where);
  const player = await RtmpClient.player(where);
  process.kill(server.pid, 'SIGSTOP');
  await sleep(9_000);
  process.kill(server.pid, 'SIGCONT');
  await Promise.all([publisher.roundTrip(), player.roundTrip()]);
  expect(server.log).not.toMatch(/silent/);
  for (const { connection } of [publisher, player]) {
    expect(connection.isOpen).toBe(true);
    connection.socket.destroy();
  }
});
