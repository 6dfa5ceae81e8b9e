import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { packetsOf, packetsOfFile, playWithFfmpeg, publishWithFfmpeg, sourceFile } from '../support/programs/ffmpeg';
import { audioOneTrack, videoOneTrack } from '../support/rtmp/enhanced-media';
import { mediaOfFlv } from '../support/rtmp/flv-file';
import type { MediaItem } from '../support/rtmp/media';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { sendMedia } from '../support/servers/server-of-file';
import { ServerProcess } from '../support/servers/server-process';
import { createTestCertificate, temporaryDirectory } from '../support/servers/test-certificates';

const folder = temporaryDirectory();
let server: ServerProcess;
beforeAll(async () => {
  const { certPath, keyPath } = createTestCertificate(folder.path, 'localhost');
  server = await ServerProcess.start({ SSL_CERT: certPath, SSL_KEY: keyPath });
});
afterAll(async () => {
  await server.stop();
  folder.remove();
});

const playing = (channel: string): Promise<unknown> => server.waitForLog(new RegExp(`play channel=${channel}\\b`));
const paces = [
  { pace: 'in real time', realTime: true },
  { pace: 'as fast as it goes', realTime: false },
];

describe.each(['h264-aac', 'h264', 'aac', 'mp3'] as const)('ffmpeg with %s', (kind) => {
  test.each(paces)('published $pace reaches ffmpeg complete, bit for bit and with its times', async ({ realTime }) => {
    const channel = `${kind}-${realTime ? 'real' : 'fast'}`;
    const url = server.rtmpUrl(channel, 'key');
    const player = playWithFfmpeg(url);
    await playing(channel);
    const file = await sourceFile(kind);
    await publishWithFfmpeg(file, url, { realTime }).succeeded();
    const [played, published] = await Promise.all([packetsOf(player), packetsOfFile(file)]);
    expect(published.video.length + published.audio.length).toBeGreaterThan(40);
    expect(played).toEqual(published);
  });
});

describe('ffmpeg', () => {
  test('over RTMPS publishes to and plays from a self-signed server', async () => {
    const url = server.rtmpsUrl('secure', 'key');
    const [overTls, plain] = [playWithFfmpeg(url), playWithFfmpeg(server.rtmpUrl('secure', 'key'))];
    await server.waitForLog(/play channel=secure[^]*play channel=secure/);
    const file = await sourceFile('h264-aac');
    await publishWithFfmpeg(file, url, { realTime: false }).succeeded();
    const published = await packetsOfFile(file);
    expect(await packetsOf(overTls)).toEqual(published);
    expect(await packetsOf(plain)).toEqual(published);
  });

  test('joining a stream late starts at a keyframe and misses nothing from there on', async () => {
    const file = await sourceFile('h264-aac');
    const url = server.rtmpUrl('late', 'key');
    const publisher = publishWithFfmpeg(file, url);
    await server.waitForLog(/publish accepted channel=late\b/);
    const player = playWithFfmpeg(url);
    await publisher.succeeded();
    const [played, published] = await Promise.all([packetsOf(player), packetsOfFile(file)]);
    const start = published.video.findIndex(({ md5 }) => md5 === played.video[0]?.md5);
    expect(start % 25).toBe(0);
    expect(played.video).toEqual(published.video.slice(start));
    expect(played.audio).toEqual(published.audio.slice(-played.audio.length));
    expect(played.configurations).toEqual(published.configurations);
  });

  test('publishes the same channel again, with a query behind the key, as soon as it has ended', async () => {
    const file = await sourceFile('h264');
    for (const query of ['?token=a.b=c', '']) {
      const url = server.rtmpUrl('again', 'key');
      const player = playWithFfmpeg(url);
      await server.waitForLog(query === '' ? /play ended channel=again[^]*play channel=again/ : /play channel=again/);
      await publishWithFfmpeg(file, url + query, { realTime: false }).succeeded();
      expect(await packetsOf(player)).toEqual(await packetsOfFile(file));
    }
  });

  test('that knows of no multitrack sees one picture and one sound of a stream with side tracks', async () => {
    const file = await sourceFile('h264-aac');
    const player = playWithFfmpeg(server.rtmpUrl('tracks', 'key'), ['-map', '0']);
    await playing('tracks');
    const publisher = await RtmpClient.publisher({ port: server.rtmpPort, channel: 'tracks', key: 'key' });
    for (const item of mediaOfFlv(file)) {
      sendMedia(publisher, [item, asSideTrack(item)]);
    }
    await publisher.close();
    expect(await packetsOf(player)).toEqual(await packetsOfFile(file));
  });

  test('is told why when its key is malformed', async () => {
    const publisher = publishWithFfmpeg(await sourceFile('h264'), server.rtmpUrl('named', 'bad.key'));
    expect((await publisher.exited).code).not.toBe(0);
    expect(publisher.output).toMatch(/Server error: \S+/);
  });
});

/** The same once more as track 1, as OBS sends its further tracks: tag and packet type apart, the body is that of fourCC. */
function asSideTrack({ kind, timestamp, payload }: MediaItem): MediaItem {
  const isConfig = payload[1] === 0;
  if (kind === 'audio') return { kind, timestamp, payload: audioOneTrack(isConfig ? 0 : 1, track('mp4a', payload, 2)) };
  const body = track('avc1', payload, isConfig ? 5 : 2);
  return { kind, timestamp, payload: videoOneTrack(isConfig ? 0 : 1, body, payload[0] === 0x17) };
}

const track = (fourCc: string, payload: Buffer, from: number) => ({ id: 1, fourCc, body: payload.subarray(from) });
