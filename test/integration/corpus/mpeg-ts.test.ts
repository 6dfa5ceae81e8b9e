import { beforeAll, test } from '@jest/globals';
import type { MediaItem } from '../../support/rtmp/media';
import { ffmpeg, sourceFile } from '../../support/programs/ffmpeg';
import type { Program } from '../../support/programs/program';
import { expectFlows, expectMedia, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';

const server = ServerOfFile.start();
let source: string;
beforeAll(async () => {
  source = await sourceFile('h264-aac');
});

const pushesTs = (url: string): Program => ffmpeg(['-i', source, '-c', 'copy', '-f', 'mpegts', url], 20_000);

async function expectUnharmed(during: () => Promise<unknown>): Promise<void> {
  const channel = server.newChannel();
  const [publisher, player] = [await server.publisher(channel), await server.player(channel)];
  await expectFlows(publisher, player, 'before');
  await during();
  await expectFlows(publisher, player, 'after');
}

test('an MPEG-TS sent to the port as it is gets no RTMP answer and is closed', async () => {
  await expectUnharmed(async () => {
    await pushesTs(`tcp://127.0.0.1:${server.port}`).exited;
    await server.process.waitForLog(/RTMP version 71\b/);
  });
});

test('an MPEG-TS where RTMP carries FLV harms no other stream, and its channel is free afterwards', async () => {
  const channel = server.newChannel();
  await expectUnharmed(async () => {
    await pushesTs(server.process.rtmpUrl(channel, 'key')).exited;
    await server.process.waitForLog(new RegExp(`(?:publish|stream) ended.*channel=${channel}\\b`));
  });
  await server.publisher(channel);
});

test('transport packets in audio and video messages reach players as they are', async () => {
  const channel = server.newChannel();
  const [publisher, player] = [await server.publisher(channel), await server.player(channel)];
  // The sync byte 0x47 reads as an AVC frame of a type that is hardly ever used; what follows it, as anything.
  const packets = Array.from({ length: 64 }, (_, at): MediaItem => {
    const payload = Buffer.alloc(188, at * 4);
    payload.writeUInt8(0x47);
    return { kind: at % 3 === 0 ? 'audio' : 'video', timestamp: at * 10, payload };
  });
  sendMedia(publisher, packets);
  await expectMedia(player, packets);
  await expectFlows(publisher, await server.player(channel), 'and a late player what comes then');
});
