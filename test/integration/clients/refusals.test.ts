import { afterAll, describe, expect, test } from '@jest/globals';
import { CallbackJournal } from '../../support/servers/callback-journal';
import { startCallbackServer } from '../../support/servers/callback-server';
import { publishWithFfmpeg, playWithFfmpeg, sourceFile } from '../../support/programs/ffmpeg';
import { avcAacStream } from '../../support/rtmp/media';
import { sendMedia, ServerOfFile } from '../../support/servers/server-of-file';

let journal: CallbackJournal;
const server = ServerOfFile.start(async () => {
  journal = new CallbackJournal(await startCallbackServer());
  return { CALLBACK_URL: journal.server.url.href, JWT_SECRET: 'secret', RTMP_PLAY_WHITELIST: '127.0.0.1' };
});
afterAll(() => journal.server.stop());

async function ffmpegIsTold(channel: string, key: string): Promise<string> {
  const publisher = publishWithFfmpeg(await sourceFile('h264'), server.process.rtmpUrl(channel, key));
  expect((await publisher.exited).code).not.toBe(0);
  return publisher.output;
}

describe('ffmpeg shows its user why', () => {
  test('the channel is taken', async () => {
    const channel = server.newChannel();
    await server.publisher(channel);
    expect(await ffmpegIsTold(channel, 'key')).toMatch(/Server error: Stream already publishing/);
  });

  test('the key is malformed', async () => {
    expect(await ffmpegIsTold(server.newChannel(), 'bad.key')).toMatch(/Server error: Bad stream key/);
  });

  test('the channel is malformed', async () => {
    expect(await ffmpegIsTold('bad.channel', 'key')).toMatch(/Server error: Bad channel name/);
  });

  test('the callback refuses, and the callback fails', async () => {
    const channel = server.newChannel();
    journal.answer(channel, () => ({ status: 403 }));
    expect(await ffmpegIsTold(channel, 'key')).toMatch(/Server error: The callback refused the stream \(status 403\)/);
    journal.answer(channel, () => ({ status: 500 }));
    expect(await ffmpegIsTold(channel, 'key')).toMatch(/Server error: The callback answered with status 500/);
  });

  test('the wrong key is played', async () => {
    const channel = server.newChannel();
    await server.publisher(channel);
    const player = playWithFfmpeg(server.process.rtmpUrl(channel, 'wrong'));
    expect((await player.exited).code).not.toBe(0);
    expect(player.output).toMatch(/Server error: Wrong stream key/);
  });
});

describe('an answer is not overtaken by the end of the connection', () => {
  test('of a publisher that is refused while it sends: it reads the reason, then an orderly end', async () => {
    const channel = server.newChannel();
    journal.answer(channel, () => ({ status: 403, delayMs: 100 }));
    const client = await server.connect(channel);
    await client.createStream();
    client.sendPublish('key');
    const errors: Error[] = [];
    client.connection.socket.on('error', (error) => errors.push(error));
    sendMedia(client, avcAacStream('ignored', 50, { size: 60_000 }));
    await client.waitForStatus('NetStream.Publish.Denied');
    await client.expectClosed();
    expect(errors).toEqual([]);
  });
});
