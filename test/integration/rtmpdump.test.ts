import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { packetsOfFile, publishWithFfmpeg, sourceFile } from '../support/programs/ffmpeg';
import { playWithRtmpdump } from '../support/programs/rtmpdump';
import { ServerProcess } from '../support/servers/server-process';
import { temporaryDirectory } from '../support/servers/test-certificates';

const folder = temporaryDirectory();
let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.start();
});
afterAll(async () => {
  await server.stop();
  folder.remove();
});

test.each(['h264-aac', 'h264', 'aac', 'mp3'] as const)('rtmpdump plays %s as ffmpeg sent it', async (source) => {
  const url = server.rtmpUrl(source, 'key');
  const played = join(folder.path, `${source}.flv`);
  const player = playWithRtmpdump(url, played);
  await server.waitForLog(new RegExp(`play channel=${source}\\b`));
  const file = await sourceFile(source);
  await publishWithFfmpeg(file, url, { realTime: false }).succeeded();
  await player.succeeded();
  expect(await packetsOfFile(played)).toEqual(await packetsOfFile(file));
});
