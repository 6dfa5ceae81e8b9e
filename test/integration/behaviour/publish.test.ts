import { describe, expect, test } from '@jest/globals';
import { type RtmpClient } from '../../support/rtmp/rtmp-client';
import { expectFlows, ServerOfFile } from '../../support/servers/server-of-file';

const server = ServerOfFile.start();

/** Whether the channel can be published to again, which takes a moment after its publisher's connection is gone. */
async function expectFree(channel: string): Promise<RtmpClient> {
  await server.process.waitForLog(new RegExp(`publish ended channel=${channel}\\b`));
  return server.publisher(channel);
}

describe('publish', () => {
  test('NetStream.Publish.Start with level status, on the stream id of the publish', async () => {
    const channel = server.newChannel();
    const client = await server.connect(channel);
    await client.createStream();
    await client.createStream();
    expect(await client.publish('key')).toMatchObject({
      level: 'status',
      code: 'NetStream.Publish.Start',
      description: `/${channel}/key is now published.`,
      onStream: 2,
    });
  });

  test.each(['key', 'other'])(
    'one publisher per channel: the second (key %j) gets BadName and is closed, the first goes on',
    async (key) => {
      const channel = server.newChannel();
      const [publisher, player] = [await server.publisher(channel), await server.player(channel)];
      const second = await server.connect(channel);
      await second.createStream();
      second.sendPublish(key);
      expect(await second.nextStatus()).toMatchObject({
        level: 'error',
        code: 'NetStream.Publish.BadName',
        description: 'Stream already publishing',
      });
      await second.expectClosed();
      await expectFlows(publisher, player, 'goes on');
    },
  );

  test('publishers on different channels with the same key do not disturb each other', async () => {
    const channels = [server.newChannel(), server.newChannel()];
    const publishers = await Promise.all(channels.map((channel) => server.publisher(channel, 'same')));
    const players = await Promise.all(channels.map((channel) => server.player(channel, 'same')));
    await publishers[0]!.close();
    await players[0]!.waitForStatus('NetStream.Play.UnpublishNotify');
    await expectFlows(publishers[1]!, players[1]!, 'undisturbed');
    expect(players[0]!.media).toEqual([]);
  });

  test('publish twice on one connection: NetStream.Publish.BadConnection, first publish goes on', async () => {
    const channel = server.newChannel();
    const [publisher, player] = [await server.publisher(channel), await server.player(channel)];
    for (const key of ['key', 'other']) {
      publisher.sendPublish(key);
      expect(await publisher.nextStatus()).toMatchObject({ level: 'error', code: 'NetStream.Publish.BadConnection' });
    }
    await expectFlows(publisher, player, 'goes on');
    await expectFlows(publisher, await server.player(channel, 'key'), 'still under the first key');
  });

  test('publish on a connection that plays: NetStream.Publish.BadConnection, it plays on', async () => {
    const channel = server.newChannel();
    const [publisher, player] = [await server.publisher(channel), await server.player(channel)];
    player.sendPublish('key');
    await player.waitForStatus('NetStream.Publish.BadConnection');
    await expectFlows(publisher, player, 'plays on');
  });

  test.each(['close', 'reset'] as const)('channel is free again after the publisher closed TCP (%s)', async (end) => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    await publisher[end]();
    await expectFree(channel);
  });

  test('deleteStream ends the publish: NetStream.Unpublish.Success, channel free, same connection may publish again', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    const { streamId } = publisher;
    publisher.deleteStream();
    expect(await publisher.nextStatus()).toMatchObject({
      level: 'status',
      code: 'NetStream.Unpublish.Success',
      onStream: streamId,
    });
    const other = await server.publisher(channel);
    other.deleteStream();
    await other.waitForStatus('NetStream.Unpublish.Success');
    await publisher.publish('another-key');
    await expectFlows(publisher, await server.player(channel, 'another-key'), 'published again');
  });

  test('closeStream on the publishing stream ends the publish', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    publisher.sendCommand('closeStream', [null], publisher.streamId);
    await publisher.waitForStatus('NetStream.Unpublish.Success');
    await server.publisher(channel);
  });

  test('the order encoders end with (FCUnpublish, deleteStream, close) works; FCUnpublish alone does not end the publish', async () => {
    const channel = server.newChannel();
    const [publisher, player] = [await server.publisher(channel), await server.player(channel)];
    publisher.sendCommand('FCUnpublish', [null, 'key']);
    await publisher.roundTrip();
    await expectFlows(publisher, player, 'still there');
    publisher.deleteStream();
    await publisher.waitForStatus('NetStream.Unpublish.Success');
    await player.waitForStatus('NetStream.Play.UnpublishNotify');
    await publisher.close();
    await expectFree(channel);
  });

  test('deleteStream with another id leaves the publish alone', async () => {
    const channel = server.newChannel();
    const [publisher, player] = [await server.publisher(channel), await server.player(channel)];
    for (const id of [0, publisher.streamId + 1, 99]) publisher.deleteStream(id);
    await publisher.roundTrip();
    await expectFlows(publisher, player, 'left alone');
    expect(publisher.statusCodes).toEqual(['NetStream.Publish.Start']);
  });
});
