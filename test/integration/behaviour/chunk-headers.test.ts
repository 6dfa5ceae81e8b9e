import { describe, test } from '@jest/globals';
import { aac, avc, type MediaItem } from '../../support/rtmp/media';
import { expectMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { control, MessageType, type ChunkForm } from '../../support/rtmp/wire-builder';

const server = ServerOfFile.start();

const video = (timestamp: number, label: string, size = 300): MediaItem => ({
  kind: 'video',
  timestamp,
  payload: avc.interFrame(label, size),
});

async function publishForms(items: readonly (readonly [MediaItem, ChunkForm])[]): Promise<void> {
  const channel = server.newChannel();
  const player = await server.player(channel);
  const publisher = await server.publisher(channel, 'key', { chunkSize: 128 });
  for (const [{ kind, timestamp, payload }, form] of items) {
    publisher.connection.send({ type: MessageType[kind], streamId: publisher.streamId, timestamp, payload }, form);
  }
  await expectMedia(
    player,
    items.map(([item]) => item),
  );
}

describe('chunk headers', () => {
  test('publisher using types 0, 1, 2 and 3 for new messages, all payloads and timestamps right', async () => {
    await publishForms([
      [video(1_000, 'type 0'), { fmt: 0 }],
      [video(1_040, 'type 1', 200), { fmt: 1 }],
      [video(1_080, 'type 1 again'), { fmt: 1 }],
      [video(1_130, 'type 2'), { fmt: 2 }],
      [video(1_180, 'type 3'), { fmt: 3 }],
      [video(1_230, 'type 3 again'), { fmt: 3 }],
      [video(1_300, 'type 2 again'), { fmt: 2 }],
      [video(900, 'type 0 backwards'), { fmt: 0 }],
    ]);
  });

  test('type 3 right after type 0 advances by the timestamp of the type 0 header', async () => {
    await publishForms([
      [video(40, 'type 0'), { fmt: 0 }],
      [video(80, 'type 3'), { fmt: 3 }],
      [video(120, 'type 3 again'), { fmt: 3 }],
    ]);
  });

  test.each([
    ['2-byte basic headers (csid 64)', { csid: 64 }],
    ['2-byte basic headers (csid 319)', { csid: 319 }],
    ['3-byte basic headers (csid 320)', { csid: 320 }],
    ['3-byte basic headers (csid 65599)', { csid: 65_599 }],
    ['3-byte basic headers where 2 would do (csid 70)', { csid: 70, basicHeaderBytes: 3 as const }],
    ['the largest 1-byte basic header (csid 63)', { csid: 63 }],
  ])('publisher using %s', async (_, form: ChunkForm) => {
    await publishForms([
      [video(0, 'first', 1_000), { ...form, fmt: 0 }],
      [video(40, 'second', 1_000), { ...form, fmt: 1 }],
      [video(80, 'third', 1_000), { ...form, fmt: 3 }],
    ]);
  });

  test('chunk streams whose ids differ in one byte only are told apart', async () => {
    await publishForms(
      [64 + 5, 64 + 5 + 256, 64 + 5 + 512, 64 + 6 + 512].map((csid, index) => [
        video(index * 1_000, `stream ${csid}`, 500),
        { csid },
      ]),
    );
  });

  test('audio and video chunks of unfinished messages interleaved on two chunk streams', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const publisher = await server.publisher(channel, 'key', { chunkSize: 128 });
    const { chunks } = publisher.connection;
    const sent: MediaItem[] = [];
    for (let at = 0; at < 5; at += 1) {
      const picture: MediaItem = {
        kind: 'video',
        timestamp: 1_000 + at * 40,
        payload: avc.keyframe(`picture-${at}`, 999),
      };
      const sound: MediaItem = { kind: 'audio', timestamp: 1_020 + at * 40, payload: aac.frame(`sound-${at}`, 600) };
      const [first, second] = [picture, sound].map(({ kind, timestamp, payload }) =>
        chunks.chunks({ type: MessageType[kind], streamId: publisher.streamId, timestamp, payload }),
      );
      const longest = Math.max(first!.length, second!.length);
      for (let index = 0; index < longest; index += 1) {
        if (index < first!.length) publisher.sendRaw(first![index]!);
        if (index < second!.length) publisher.sendRaw(second![index]!);
      }
      sent.push(picture, sound);
    }
    await expectMedia(player, sent);
  });

  test('control messages between the chunks of a message do not shift its time', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const publisher = await server.publisher(channel, 'key', { chunkSize: 128 });
    const { chunks } = publisher.connection;
    const items = [video(5_000, 'cut', 600), video(5_040, 'after', 10)];
    const message = { type: MessageType.video, streamId: publisher.streamId, ...items[0]! };
    for (const chunk of chunks.chunks(message)) {
      publisher.sendRaw(chunk);
      publisher.connection.send(control(MessageType.acknowledgement, 1));
    }
    publisher.connection.send({ ...message, ...items[1]! }, { fmt: 1 });
    await expectMedia(player, items);
  });

  test('an aborted message is forgotten, and the next one on its chunk stream arrives', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const publisher = await server.publisher(channel, 'key', { chunkSize: 128 });
    const { chunks } = publisher.connection;
    const message = {
      type: MessageType.video,
      streamId: publisher.streamId,
      timestamp: 0,
      payload: avc.keyframe('x', 900),
    };
    publisher.sendRaw(Buffer.concat(chunks.chunks(message).slice(0, 3)));
    publisher.connection.send(control(MessageType.abort, 6));
    publisher.sendVideo(40, avc.keyframe('complete', 900));
    await expectMedia(player, [{ kind: 'video', timestamp: 40, payload: avc.keyframe('complete', 900) }]);
  });
});
