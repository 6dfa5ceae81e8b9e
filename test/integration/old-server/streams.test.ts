import { describe, expect, test } from '@jest/globals';
import { fourCcAudio, fourCcVideo } from '../../support/rtmp/enhanced-media';
import { aac, avc, mp3, type MediaItem } from '../../support/rtmp/media';
import { type RtmpClient } from '../../support/rtmp/rtmp-client';
import { expectFlows, fingerprints, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { MessageType } from '../../support/rtmp/wire-builder';

const server = ServerOfFile.start();

const audio = (timestamp: number, payload: Buffer): MediaItem => ({ kind: 'audio', timestamp, payload });
const video = (timestamp: number, payload: Buffer): MediaItem => ({ kind: 'video', timestamp, payload });

/** What a player that joins now gets before anything new. */
async function cachedFor(channel: string, publisher: RtmpClient): Promise<string[]> {
  await publisher.roundTrip();
  const player = await server.player(channel);
  publisher.sendData(0, 'onTextData', 'marker');
  await player.nextMessage(({ data }) => data?.[0] === 'onTextData', 'the marker');
  return fingerprints(player.media);
}

describe('the state of a stream', () => {
  test('a stream published again on the same connection starts afresh: no headers and no frames of the one before', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    sendMedia(publisher, [
      video(0, avc.sequenceHeader()),
      audio(0, aac.sequenceHeader()),
      video(0, avc.keyframe('old')),
    ]);
    publisher.deleteStream();
    await publisher.waitForStatus('NetStream.Unpublish.Success');
    await publisher.publish('key');
    sendMedia(publisher, [audio(5, mp3.frame('new'))]);
    expect(await cachedFor(channel, publisher)).toEqual(fingerprints([audio(5, mp3.frame('new'))]));
  });

  test('codecs may change in mid-stream: late players get the headers that hold now', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    const hevc = fourCcVideo('hvc1');
    const opus = fourCcAudio('Opus');
    sendMedia(publisher, [
      video(0, avc.sequenceHeader()),
      audio(0, aac.sequenceHeader()),
      video(0, avc.keyframe('avc')),
    ]);
    const later = [video(40, hevc.sequenceStart()), audio(40, opus.sequenceStart()), video(40, hevc.keyframe('hevc'))];
    sendMedia(publisher, later);
    const [first, second, third] = later;
    expect(await cachedFor(channel, publisher)).toEqual(fingerprints([second!, first!, third!]));
  });

  test('publish on message stream 0 works and leaves no channel behind that is taken for ever', async () => {
    const channel = server.newChannel();
    for (const end of ['close', 'reset'] as const) {
      const client = await server.connect(channel);
      client.streamId = 0;
      client.sendPublish('key');
      expect(await client.nextStatus()).toMatchObject({ code: 'NetStream.Publish.Start', onStream: 0 });
      await expectFlows(client, await server.player(channel), end);
      const ended = server.process.log.split(`publish ended channel=${channel} `).length;
      await client[end]();
      await server.process.waitForLog(new RegExp(`(publish ended channel=${channel} [^]*){${ended}}`));
    }
  });

  test('a second connect is refused and changes nothing', async () => {
    const [channel, other] = [server.newChannel(), server.newChannel()];
    const [publisher, player] = [await server.publisher(channel), await server.player(channel)];
    expect((await publisher.callConnect({ app: other })).args[1]).toMatchObject({
      level: 'error',
      code: 'NetConnection.Connect.Rejected',
    });
    await expectFlows(publisher, player, 'still here');
    await server.publisher(other);
  });

  test('a stream that is cut off in the middle of a frame does not touch the memory of other streams', async () => {
    const [channel, other] = [server.newChannel(), server.newChannel()];
    const cut = await server.publisher(channel, 'key', { chunkSize: 128 });
    const chunks = cut.connection.chunks.chunks({
      type: MessageType.video,
      streamId: cut.streamId,
      timestamp: 0,
      payload: Buffer.alloc(200_000, 0xee),
    });
    for (const chunk of chunks.slice(0, 100)) cut.sendRaw(chunk);
    cut.deleteStream();
    await cut.waitForStatus('NetStream.Unpublish.Success');
    const publisher = await server.publisher(other);
    const frame = video(0, avc.keyframe('intact', 150_000));
    sendMedia(publisher, [frame]);
    await publisher.roundTrip();
    for (const chunk of chunks.slice(100)) cut.sendRaw(chunk);
    await cut.roundTrip();
    expect(await cachedFor(other, publisher)).toEqual(fingerprints([frame]));
  });
});
