import { afterAll, describe, expect, test } from '@jest/globals';
import { avc, type MediaItem } from '../../support/rtmp/media';
import {
  ffmpeg,
  packetsOf,
  packetsOfFile,
  playWithFfmpeg,
  publishWithFfmpeg,
  sourceFile,
} from '../../support/programs/ffmpeg';
import { type RtmpClient } from '../../support/rtmp/rtmp-client';
import { fingerprints, ServerOfFile } from '../../support/servers/server-of-file';
import { createTestCertificate, temporaryDirectory } from '../../support/servers/test-certificates';
import { command, MessageType } from '../../support/rtmp/wire-builder';

const folder = temporaryDirectory();
const server = ServerOfFile.start(() => {
  const { certPath, keyPath } = createTestCertificate(folder.path, 'localhost');
  return { SSL_CERT: certPath, SSL_KEY: keyPath };
});
afterAll(() => folder.remove());

/** Whether data is lost depends on when the server reads: at best, every second run shows the loss. */
const runs = [1, 2, 3, 4, 5];

const items: MediaItem[] = Array.from({ length: 201 }, (_, index) => ({
  kind: 'video',
  timestamp: index * 40,
  payload: (index === 0 ? avc.keyframe : avc.interFrame)(`frame-${index}`, 40_000),
}));

/** The remaining messages, in the order in which encoders end. */
function rest(publisher: RtmpClient): Buffer {
  const { chunks } = publisher.connection;
  publisher.connection.setChunkSize(60_000);
  return Buffer.concat([
    ...items.map(({ timestamp, payload }) =>
      chunks.message({ type: MessageType.video, streamId: publisher.streamId, timestamp, payload }),
    ),
    chunks.message(command('FCUnpublish', 8, [null, 'key'])),
    chunks.message(command('deleteStream', 9, [null, publisher.streamId])),
  ]);
}

describe.each([
  ['RTMP', false],
  ['RTMPS', true],
])('a client that sends 8 MB at once over %s and closes', (_protocol, tls) => {
  test.each([
    ['reads', (publisher: RtmpClient) => publisher.connection.socket.resume()],
    ['reads nothing after Publish.Start', (publisher: RtmpClient) => publisher.connection.socket.pause()],
  ])(
    'and %s: all of it reaches the players',
    async (_, before) => {
      for (const run of runs) {
        const channel = server.newChannel();
        const player = await server.player(channel);
        const port = tls ? server.process.rtmpsPort : server.port;
        const publisher = await server.publisher(channel, 'key', { port, tls });
        before(publisher);
        const { socket } = publisher.connection;
        // As soon as the system has taken the bytes, which is long before they are delivered.
        socket.end(rest(publisher), () => socket.destroy());
        await player.waitForStatus('NetStream.Play.UnpublishNotify');
        expect({ run, media: fingerprints(player.media) }).toEqual({ run, media: fingerprints(items) });
      }
    },
    60_000,
  );

  test('as ffmpeg does: all of it reaches the players', async () => {
    const file = `${folder.path}/long.flv`;
    // Below the 8 MB that may be unsent to a player before it is left out.
    const loops = ['-stream_loop', '75', '-i', await sourceFile('h264-aac'), '-c', 'copy', '-f', 'flv'];
    await ffmpeg([...loops, file]).succeeded();
    const expected = await packetsOfFile(file);
    for (const run of runs) {
      const channel = server.newChannel();
      const player = playWithFfmpeg(server.process.rtmpUrl(channel, 'key'));
      await server.process.waitForLog(new RegExp(`play channel=${channel}\\b`));
      const url = server.process[tls ? 'rtmpsUrl' : 'rtmpUrl'](channel, 'key');
      await publishWithFfmpeg(file, url, { realTime: false }).succeeded();
      expect({ run, packets: await packetsOf(player) }).toEqual({ run, packets: expected });
    }
  }, 120_000);
});
