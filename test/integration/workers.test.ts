import { describe, expect, test } from '@jest/globals';
import { avcAacStream } from '../support/media';
import { RtmpClient } from '../support/rtmp-client';
import { sendMedia, fingerprints, ServerOfFile } from '../support/server-of-file';
import { ServerProcess } from '../support/server-process';

describe('WORKERS=2', () => {
  const server = ServerOfFile.start({ WORKERS: '2', HTTP_PORT: '0' });

  test('players on both workers get the same stream, and the node speaks of it once', async () => {
    const channel = server.newChannel();
    const players = await Promise.all(Array.from({ length: 6 }, () => server.player(channel)));
    const publisher = await server.publisher(channel);
    const media = avcAacStream('m', 10);
    sendMedia(publisher, media);
    for (const player of players) {
      // Sorted: on the other worker the sequence headers come in the order of late players.
      expect(fingerprints(await player.takeMedia(media.length)).sort()).toEqual(fingerprints(media).sort());
    }
    const streams = (await (await fetch(server.process.httpUrl('/api/streams'))).json()) as { players: number }[];
    expect(streams).toMatchObject([{ channel, players: 6, relay: false }]);
    const metrics = await (await fetch(server.process.httpUrl('/metrics'))).text();
    expect(metrics).toContain('\nrtmp_publishers 1\n');
    expect(metrics).toContain('\nrtmp_players 6\n');
    expect(server.process.log).toMatch(/play .*worker=1/);
    expect(server.process.log).toMatch(/play .*worker=2/);
  });

  test('one channel has one publisher, whichever worker the next one comes to', async () => {
    const channel = server.newChannel();
    await server.publisher(channel);
    for (let i = 0; i < 4; i += 1) {
      await expect(server.publisher(channel)).rejects.toThrow('Stream already publishing');
    }
  });
});

test('connections of one address are counted over all workers', async () => {
  const server = await ServerProcess.start({ WORKERS: '2', MAX_IP_CONCURRENT_CONNECTIONS: '3' });
  const open = (): Promise<RtmpClient> => RtmpClient.open({ port: server.rtmpPort });
  const clients = await Promise.all([open(), open(), open()]);
  await expect(open()).rejects.toThrow();
  for (const client of clients) await client.connection.close();
  expect(await server.stop()).toBe(0);
});
