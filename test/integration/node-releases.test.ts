import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packetsOf, packetsOfFile, playWithFfmpeg, publishWithFfmpeg, sourceFile } from '../support/programs/ffmpeg';
import { publishWithGstreamer } from '../support/programs/gstreamer';
import { avcAacStream } from '../support/rtmp/media';
import { describeOnNode } from '../support/programs/node-releases';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { expectFlows, expectMedia, sendMedia } from '../support/servers/server-of-file';
import { ServerProcess, type ServerEnvironment } from '../support/servers/server-process';
import { createTestCertificate, temporaryDirectory } from '../support/servers/test-certificates';

const folder = temporaryDirectory();
const path = (name: string): string => join(folder.path, name);
const { certPath, keyPath } = createTestCertificate(folder.path, 'localhost');
afterAll(() => folder.remove());

/** The core of what clients do, on one Node.js. */
function serves(command: readonly string[], ioPath: 'onread' | 'public'): void {
  const start = (environment: ServerEnvironment): Promise<ServerProcess> =>
    ServerProcess.start({ HTTP_PORT: '0', CONCURRENT_LIMIT_WHITELIST: '*', ...environment }, { command });

  describe('one process', () => {
    let server: ServerProcess;
    beforeAll(async () => {
      server = await start({ SSL_CERT: certPath, SSL_KEY: keyPath });
    });
    afterAll(async () => {
      expect(await server.stop()).toBe(0);
    });
    const played = (channel: string, times: number): Promise<unknown> =>
      server.waitForMatches(new RegExp(`play channel=${channel}\\b`), times);

    test('is ready, and says how it reads', async () => {
      expect((await fetch(server.httpUrl('/readyz'))).status).toBe(200);
      const metrics = await (await fetch(server.httpUrl('/metrics'))).text();
      expect(metrics).toContain(`\nrtmp_io_path{path="${ioPath}"} 1\n`);
      const warnings = server.log.match(/\[WARNING\] sockets are read by public calls/g) ?? [];
      expect(warnings).toHaveLength(ioPath === 'public' ? 1 : 0);
    });

    test.each(['rtmpUrl', 'rtmpsUrl'] as const)(
      'ffmpeg publishes by %s, and ffmpeg plays it bit for bit',
      async (url) => {
        const players = [playWithFfmpeg(server.rtmpUrl(url, 'key')), playWithFfmpeg(server.rtmpsUrl(url, 'key'))];
        await played(url, 2);
        const file = await sourceFile('h264-aac');
        await publishWithFfmpeg(file, server[url](url, 'key'), { realTime: false }).succeeded();
        for (const player of players) expect(await packetsOf(player)).toEqual(await packetsOfFile(file));
      },
    );

    test('GStreamer publishes, and ffmpeg plays it bit for bit', async () => {
      const player = playWithFfmpeg(server.rtmpUrl('gstreamer', 'key'));
      await played('gstreamer', 1);
      const copy = path(`gstreamer-${server.pid}.flv`);
      const file = await sourceFile('h264-aac');
      await publishWithGstreamer({ file, url: server.rtmpUrl('gstreamer', 'key'), copy }).succeeded();
      expect(await packetsOf(player)).toEqual(await packetsOfFile(copy));
    });

    test.each([false, true])(
      'a publisher that resets its connection is missed, and may come again; TLS: %s',
      async (tls) => {
        const port = tls ? server.rtmpsPort : server.rtmpPort;
        const target = { port, tls, channel: `reset-${tls}`, key: 'key' };
        const player = await RtmpClient.player(target);
        for (const label of ['first', 'second']) {
          const publisher = await RtmpClient.publisher(target);
          const media = avcAacStream(label, 100, { size: 5_000 });
          sendMedia(publisher, media);
          await expectMedia(player, media);
          await publisher.reset();
          await player.waitForStatus('NetStream.Play.UnpublishNotify');
        }
        await player.close();
      },
    );

    test('a player that leaves everything unread harms nobody', async () => {
      const target = { port: server.rtmpPort, channel: 'unread', key: 'key' };
      const [lazy, player] = [await RtmpClient.player(target), await RtmpClient.player(target)];
      lazy.connection.socket.pause();
      const publisher = await RtmpClient.publisher(target);
      const media = avcAacStream('much', 100, { size: 50_000 });
      sendMedia(publisher, media);
      await expectMedia(player, media);
      await lazy.reset();
      await expectFlows(publisher, player, 'after the reset');
      await Promise.all([publisher.close(), player.close()]);
    });
  });

  test('two workers: viewers get a stream wherever it is', async () => {
    const server = await start({ WORKERS: '2' });
    const target = { port: server.rtmpPort, channel: 'moves', key: 'key' };
    const publisher = await RtmpClient.publisher(target);
    const players: RtmpClient[] = [];
    for (let i = 0; i < 4; i += 1) players.push(await RtmpClient.player(target));
    for (const [i, player] of players.entries()) await expectFlows(publisher, player, `player ${i}`);
    // Workers get connections in turn.
    expect(server.log.includes('code=moved')).toBe(ioPath === 'onread');
    await publisher.reset();
    for (const player of players) await player.waitForStatus('NetStream.Play.UnpublishNotify');
    expect(await server.stop()).toBe(0);
  });
}

describeOnNode(/^newest/, ({ node }) => serves([node], 'onread'));

describe('a Node.js whose undocumented parts are others', () => {
  const preload = path('without-onread.cjs');
  writeFileSync(
    preload,
    `const net = require('node:net');
net.Socket = new Proxy(net.Socket, {
  construct(Socket, [{ onread, ...options } = {}]) {
    return new Socket(options.handle ? options : { onread, ...options });
  },
});\n`,
  );
  serves([process.execPath, '--require', preload], 'public');
});
