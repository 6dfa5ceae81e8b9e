import { describe, expect, test } from '@jest/globals';
import { aac, avc, type MediaItem } from '../../support/rtmp/media';
import { expectMedia, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { MessageType, type ChunkForm } from '../../support/rtmp/wire-builder';

const server = ServerOfFile.start();

const video = (timestamp: number, size = 700): MediaItem => ({
  kind: 'video',
  timestamp,
  payload: avc.interFrame(`at-${timestamp}`, size),
});

async function expectPreserved(items: readonly MediaItem[], formOf: (index: number) => ChunkForm): Promise<void> {
  const channel = server.newChannel();
  const player = await server.player(channel);
  const publisher = await server.publisher(channel, 'key', { chunkSize: 128 });
  for (const [index, { timestamp, payload }] of items.entries()) publisher.sendVideo(timestamp, payload, formOf(index));
  await expectMedia(player, items);
}

describe('timestamps', () => {
  test('extended timestamps in (fmt 0, on fmt 3 continuation chunks too) are preserved on output', async () => {
    await expectPreserved(
      [0x1000000, 0x1000028, 0x7fffffff, 0xfffffff0].map((time) => video(time)),
      () => ({}),
    );
  });

  test('timestamp 0xFFFFFF exactly and the step over it (0xFFFFFE, 0xFFFFFF, 0x1000000)', async () => {
    const items = [0xfffffe, 0xffffff, 0x1000000, 0x1000001].map((time) => video(time));
    await expectPreserved(items, () => ({}));
    await expectPreserved(items, (index) => ({ fmt: index === 0 ? 0 : 1 }));
  });

  test('extended delta: fmt 1 with a delta above 0xFFFFFF, multi-chunk', async () => {
    await expectPreserved([video(1_000), video(1_000 + 0x1234567), video(1_000 + 2 * 0x1234567)], (index) => ({
      fmt: ([0, 1, 3] as const)[index]!,
    }));
  });

  test.each([
    ['left out of type 3 continuation chunks, as OBS up to 30.0 and old librtmp do', { extendedOnType3: false }],
    ['repeated on type 3 continuation chunks', { extendedOnType3: true }],
  ])('extended timestamps %s', async (_, form) => {
    await expectPreserved([video(0x1000000), video(0x1000028, 3_000), video(0x1000050)], () => form);
  });

  test('the 32-bit clock wraps: players see 0xFFFFFFFF, then small numbers, and nothing is lost', async () => {
    const items = [0xffffffd7, 0xffffffff, 0x27, 0x4f].map((time) => video(time));
    await expectPreserved(items, () => ({}));
    await expectPreserved(items, (index) => ({ fmt: index === 0 ? 0 : 1 }));
  });

  test('an absolute time in an extended delta field, as some encoders send it, is taken as such', async () => {
    const items = [video(0x90000000), video(0x90000028)];
    await expectPreserved(items, (index) => (index === 0 ? {} : { fmt: 1, delta: 0x90000028 }));
  });

  test('each kind keeps its own time however they are mixed, backward steps included', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const publisher = await server.publisher(channel);
    const items: MediaItem[] = [
      video(1_000),
      { kind: 'audio', timestamp: 1_020, payload: aac.frame('a') },
      video(960),
      { kind: 'audio', timestamp: 5, payload: aac.frame('b') },
      video(960),
    ];
    sendMedia(publisher, items);
    await expectMedia(player, items);
  });

  test('a first chunk of type 1 on a new chunk stream counts from 0', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const publisher = await server.publisher(channel);
    const { payload } = video(77);
    publisher.connection.send(
      { type: MessageType.video, streamId: publisher.streamId, timestamp: 77, payload },
      { csid: 40, fmt: 1 },
    );
    await expectMedia(player, [video(77)]);
    expect(player.media).toHaveLength(1);
  });
});
