import { describe, expect, test } from '@jest/globals';
import { amfEncode } from '../../support/rtmp/amf-test-codec';
import { aac, avc, type MediaItem } from '../../support/rtmp/media';
import { expectFlows, expectMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { aggregate, control, MessageType, type OutgoingMessage } from '../../support/rtmp/wire-builder';

const server = ServerOfFile.start();

async function stream() {
  const channel = server.newChannel();
  return { channel, player: await server.player(channel), publisher: await server.publisher(channel) };
}

const part = (kind: 'audio' | 'video', timestamp: number, payload: Buffer): OutgoingMessage & MediaItem => ({
  kind,
  type: MessageType[kind],
  streamId: 0,
  timestamp,
  payload,
});

describe('the media path', () => {
  test.each([...Object.values(MessageType), 7, 10, 16, 19])(
    'an empty message of type %i harms nobody',
    async (type) => {
      const { publisher, player } = await stream();
      publisher.connection.send({ type, streamId: publisher.streamId, timestamp: 0, payload: Buffer.alloc(0) });
      await expectFlows(publisher, player, 'goes on');
    },
  );

  test('AAC frames before their header do not put players out of step', async () => {
    const { publisher, player } = await stream();
    const items: MediaItem[] = [aac.frame('early'), aac.sequenceHeader(), aac.frame('late')].map((payload, index) => ({
      kind: 'audio',
      timestamp: index * 20,
      payload,
    }));
    for (const { timestamp, payload } of items) publisher.sendAudio(timestamp, payload);
    await expectMedia(player, items);
  });

  test.each([1, 2, 3, 5])(
    'control messages of %i bytes are too short to mean anything, and harm nobody',
    async (length) => {
      const { publisher, player } = await stream();
      for (const type of [2, 3, 4, 5, 6]) {
        publisher.connection.send({ type, streamId: 0, timestamp: 0, payload: Buffer.alloc(length) });
      }
      if (length < 4) publisher.connection.send({ type: 1, streamId: 0, timestamp: 0, payload: Buffer.alloc(length) });
      await expectFlows(publisher, player, 'unharmed');
    },
  );

  test('control messages that are too short harm nobody before connect and while playing either', async () => {
    const channel = server.newChannel();
    const client = await server.open();
    const sendAll = (): void => {
      for (const type of [1, 2, 3, 4, 5, 6]) {
        for (const length of [0, 1, 2, 3]) {
          client.connection.send({ type, streamId: 0, timestamp: 0, payload: Buffer.alloc(length) });
        }
      }
      for (const event of [0, 3, 6, 7]) {
        client.connection.send({ type: 4, streamId: 0, timestamp: 0, payload: Buffer.of(0, event, 0, 0, 0) });
      }
    };
    sendAll();
    expect((await client.callConnect({ app: channel })).name).toBe('_result');
    await client.play('key');
    sendAll();
    await expectFlows(await server.publisher(channel), client, 'unharmed');
  });

  test('Set Chunk Size 0 ends that connection with a reason, nobody else', async () => {
    const { channel, publisher, player } = await stream();
    publisher.connection.send(control(MessageType.setChunkSize, 0));
    expect((await publisher.waitForStatus('NetStream.Publish.BadName')).description).toMatch(/chunk size/);
    await publisher.expectClosed();
    await player.waitForStatus('NetStream.Play.UnpublishNotify');
    await expectFlows(await server.publisher(channel), player, 'again');
  });

  test('Set Chunk Size 0x7fffffff is understood as "never cut"', async () => {
    const { publisher, player } = await stream();
    publisher.connection.setChunkSize(0x7fffffff);
    const payload = avc.keyframe('uncut', 3_000_000);
    publisher.sendVideo(0, payload);
    await expectMedia(player, [{ kind: 'video', timestamp: 0, payload }]);
  });

  test('messages of unknown types are skipped', async () => {
    const { publisher, player } = await stream();
    for (const type of [0, 7, 21, 23, 64, 255]) {
      publisher.connection.send({ type, streamId: 1, timestamp: 0, payload: Buffer.alloc(5_000, type) });
    }
    await expectFlows(publisher, player, 'skipped');
  });

  test('a message begun anew in the middle with another length replaces the unfinished one', async () => {
    const { publisher, player } = await stream();
    const { chunks } = publisher.connection;
    const message = {
      type: MessageType.video,
      streamId: publisher.streamId,
      timestamp: 10,
      payload: avc.keyframe('a', 9_000),
    };
    publisher.sendRaw(chunks.chunks(message)[0]!);
    publisher.sendVideo(20, avc.keyframe('complete', 6_000));
    await expectMedia(player, [{ kind: 'video', timestamp: 20, payload: avc.keyframe('complete', 6_000) }]);
  });

  test("aggregates are split: the first inner timestamp stands for the aggregate's own", async () => {
    const { publisher, player } = await stream();
    const parts = [
      part('video', 70_000, avc.sequenceHeader()),
      part('audio', 70_010, aac.frame('a', 300)),
      part('video', 70_040, avc.keyframe('v', 9_000)),
      part('audio', 70_030, aac.frame('backwards')),
    ];
    publisher.connection.send(aggregate(parts, publisher.streamId, 5_000));
    publisher.connection.send(
      aggregate([part('video', 0x1000001, avc.interFrame('w'))], publisher.streamId, 0xffffffff),
    );
    await expectMedia(player, [
      ...parts.map(({ kind, timestamp, payload }) => ({ kind, timestamp: timestamp - 65_000, payload })),
      { kind: 'video', timestamp: 0xffffffff, payload: avc.interFrame('w') },
    ]);
  });

  test('metadata within an aggregate reaches players too', async () => {
    const { publisher, player } = await stream();
    const payload = amfEncode('onMetaData', { width: 640 });
    publisher.connection.send(aggregate([{ type: 18, streamId: 0, timestamp: 0, payload }], publisher.streamId, 0));
    expect(await player.nextMetadata()).toEqual({ width: 640 });
  });
});
