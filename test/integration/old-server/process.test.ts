import { afterAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { avcAacStream } from '../../support/rtmp/media';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { expectFlows, expectMedia, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { createTestCertificate, temporaryDirectory } from '../../support/servers/test-certificates';

const folder = temporaryDirectory();
const [first, second] = ['first', 'second'].map((name) => createTestCertificate(folder.path, name));
const [cert, key] = [join(folder.path, 'live.crt'), join(folder.path, 'live.key')];
copyFileSync(first!.certPath, cert);
copyFileSync(first!.keyPath, key);
afterAll(() => folder.remove());

const server = ServerOfFile.start({ SSL_CERT: cert, SSL_KEY: key, SSL_CHECK_RELOAD_SECONDS: '1' });
/** Enough for some 20 connections besides the files that Node.js holds open. */
const starved = ServerOfFile.start(
  {},
  { command: ['/bin/sh', '-c', 'ulimit -n 45; exec "$0" "$@"', process.execPath] },
);

describe('what used to end or stop the whole server', () => {
  test('players that come and go all the time, beside players that stay', async () => {
    const channel = server.newChannel();
    const [publisher, staying] = [await server.publisher(channel), await server.player(channel)];
    const items = avcAacStream('churn', 150);
    const churn = Array.from({ length: 8 }, async (_, lane) => {
      for (let round = 0; round < 25; round += 1) {
        const player = await server.player(channel);
        if ((lane + round) % 3 === 0) await player.reset();
        else if ((lane + round) % 3 === 1) await player.close();
        else player.deleteStream();
      }
    });
    for (let at = 0; at < items.length; at += 10) {
      sendMedia(publisher, items.slice(at, at + 10));
      await publisher.roundTrip();
    }
    await Promise.all(churn);
    await expectMedia(staying, items);
  });

  test('more connections than file descriptors: those that are there go on, and new ones work afterwards', async () => {
    const channel = starved.newChannel();
    const [publisher, player] = [await starved.publisher(channel), await starved.player(channel)];
    const sockets: Socket[] = [];
    for (let opened = 0; opened < 60; opened += 1) {
      sockets.push(connectTcp(starved.port, '127.0.0.1').on('error', () => undefined));
    }
    await Promise.any(sockets.map((socket) => once(socket.resume(), 'close')));
    await expectFlows(publisher, player, 'goes on');
    for (const socket of sockets) socket.destroy();
    // No event says when the server has noticed that all have disconnected.
    for (let left = 100; ; left -= 1) {
      const joined = await starved.player(channel).catch(() => undefined);
      if (joined !== undefined) break;
      expect(left).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });

  test('a certificate file that is missing for a while', async () => {
    rmSync(cert);
    await server.process.waitForLog(/WARNING.*certificate/i);
    const served = async (): Promise<unknown> => {
      const client = await RtmpClient.open({ port: server.process.rtmpsPort, tls: true });
      const { socket } = client.connection;
      const name = socket instanceof TLSSocket && socket.getPeerCertificate().subject.CN;
      await client.close();
      return name;
    };
    expect(await served()).toBe('first');
    copyFileSync(second!.keyPath, key);
    copyFileSync(second!.certPath, `${cert}.new`);
    renameSync(`${cert}.new`, cert);
    for (let left = 100; (await served()) !== 'second'; left -= 1) {
      expect(left).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });

  test('a player whose connection is stuck holds up neither publishes nor their ends', async () => {
    const channel = server.newChannel();
    const [publisher, stuck] = [await server.publisher(channel), await server.player(channel)];
    stuck.connection.socket.pause();
    for (let index = 0; index < 60; index += 1) publisher.sendVideo(index, Buffer.alloc(100_000, 0x27));
    await publisher.roundTrip();
    await expectFlows(await server.publisher('elsewhere'), await server.player('elsewhere'), 'elsewhere');
    publisher.deleteStream();
    await publisher.waitForStatus('NetStream.Unpublish.Success');
    await expectFlows(await server.publisher(channel), await server.player(channel), 'here');
  });
});
