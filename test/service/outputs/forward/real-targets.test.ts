import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { mediaOfFlv } from '../../../support/rtmp/flv-file';
import { avcAacStream, type MediaItem } from '../../../support/rtmp/media';
import { temporaryDirectory } from '../../../support/servers/test-certificates';
import { RtmpClient } from '../../../support/rtmp/rtmp-client';
import { startTestNode } from '../../../support/servers/test-node';
import { NginxRtmp } from '../../../support/programs/nginx-rtmp';
import { ffmpeg, packetsOf, packetsOfFile, playWithFfmpeg, sourceFile } from '../../../support/programs/ffmpeg';
import { freePort } from '../../../support/servers/redis-server';
import { type Program } from '../../../support/programs/program';
import { type TestForward, testForward } from './forward-rig';

test('our own server gets the stream as it is, from metadata, headers and a keyframe on, near time zero', async () => {
  const node = await startTestNode();
  const player = await RtmpClient.connect({ port: node.ports.rtmp, app: 'copy' });
  await player.createStream();
  player.sendPlay('key');
  const forward = testForward(`rtmp://127.0.0.1:${node.ports.rtmp}/copy/key`);
  const stream = avcAacStream('s', 60);
  forward.metadata();
  // The forward is added in the middle of a group of pictures, late in the stream.
  forward.feed(stream.slice(0, 2), 5_000_000_000);
  await forward.reaches('live');
  forward.feed(stream.slice(30), 5_000_000_000);

  const first = await player.nextMetadata();
  expect(first).toMatchObject({ encoder: 'test', width: 1280 });
  const expected = [...stream.slice(0, 2).reverse(), ...stream.slice(2 + 50)];
  const received = await player.takeMedia(expected.length);
  expect(received.map(({ payload }) => payload.toString('hex'))).toEqual(
    expect.arrayContaining(expected.map(({ payload }) => payload.toString('hex'))),
  );
  expect(received.slice(2).map(({ timestamp }) => timestamp)).toEqual(
    expected.slice(2).map(({ timestamp }) => timestamp - 1000),
  );
  expect(forward.status()).toMatchObject({ state: 'live', attempts: 1, gaps: 0, framesDropped: 0 });
});

/** Feeds the file again and again, in real time and with timestamps that continue, until `until` resolves. */
async function feedUntil(forward: TestForward, media: readonly MediaItem[], until: Promise<unknown>): Promise<void> {
  const lengthMs = media.at(-1)!.timestamp + 40;
  let isOver = false;
  until.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  for (let offsetMs = 0; !isOver; offsetMs += lengthMs) {
    forward.feed(media, offsetMs);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await until;
}

describe('nginx-rtmp', () => {
  test('takes the stream, and players get it bit for bit', async () => {
    const nginx = await NginxRtmp.start();
    const file = await sourceFile('h264-aac');
    const media = mediaOfFlv(file);
    const forward = testForward(`rtmp://127.0.0.1:${nginx.port}/live/secretkey?token=1`);
    await forward.reaches('live');
    const player = playWithFfmpeg(`rtmp://127.0.0.1:${nginx.port}/live/secretkey`, ['-frames:v', '40']);
    await feedUntil(forward, media, player.exited);
    const sent = await packetsOfFile(file);
    const played = await packetsOf(player);
    const known = new Set([...sent.video, ...sent.audio].map(({ md5 }) => md5));
    expect(played.video.length).toBe(40);
    expect([...played.video, ...played.audio].filter(({ md5 }) => !known.has(md5))).toEqual([]);
    expect(played.configurations).toEqual(sent.configurations);
  });

  test('refuses an application that it does not have, and the forward waits', async () => {
    const nginx = await NginxRtmp.start();
    const forward = testForward(`rtmp://127.0.0.1:${nginx.port}/other/secretkey`);
    await forward.reaches('waiting');
    expect(forward.status().reason).toBe('the target closed the connection; a wrong key?');
  });

  test('refuses a second publisher of a stream', async () => {
    const nginx = await NginxRtmp.start();
    const url = `rtmp://127.0.0.1:${nginx.port}/live/secretkey`;
    await testForward(url).reaches('live');
    const second = testForward(url);
    await second.reaches('waiting');
    expect(second.status().reason).toMatch(/^target refuses the stream: /);
  });
});

describe("ffmpeg's listener", () => {
  const listening = async (port: number, output: string): Promise<Program> => {
    const program = ffmpeg([
      '-listen',
      '1',
      '-i',
      `rtmp://127.0.0.1:${port}/live/key`,
      '-c',
      'copy',
      '-f',
      'flv',
      output,
    ]);
    await isListening(port);
    return program;
  };

  test('gets the whole stream, and its end', async () => {
    const port = await freePort();
    const directory = temporaryDirectory();
    const program = await listening(port, `${directory.path}/copy.flv`);
    const file = await sourceFile('h264-aac');
    const forward = testForward(`rtmp://127.0.0.1:${port}/live/key`);
    await forward.reaches('live');
    forward.feed(mediaOfFlv(file));
    await forward.output.end({ code: 'unpublished', reason: '' });
    await program.exited;
    const [sent, copied] = [await packetsOfFile(file), await packetsOfFile(`${directory.path}/copy.flv`)];
    expect(copied.video.map(({ md5 }) => md5)).toEqual(sent.video.map(({ md5 }) => md5));
    expect(copied.audio.map(({ md5 }) => md5)).toEqual(sent.audio.map(({ md5 }) => md5));
    directory.remove();
  });
});

/** A connection would use up ffmpeg's only one, so the kernel's table tells. */
async function isListening(port: number): Promise<void> {
  const place = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  const deadline = Date.now() + 15_000;
  while (!readFileSync('/proc/net/tcp', 'utf8').includes(place)) {
    if (Date.now() > deadline) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
