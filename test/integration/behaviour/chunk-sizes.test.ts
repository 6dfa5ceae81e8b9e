import { describe, expect, test } from '@jest/globals';
import { avc, avcAacStream } from '../../support/rtmp/media';
import { expectMedia, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { MessageType } from '../../support/rtmp/wire-builder';

const outgoing = [
  { setting: 'RTMP_CHUNK_SIZE=128', size: 128, server: ServerOfFile.start({ RTMP_CHUNK_SIZE: '128' }) },
  { setting: 'RTMP_CHUNK_SIZE=5000', size: 5000, server: ServerOfFile.start({ RTMP_CHUNK_SIZE: '5000' }) },
  { setting: 'RTMP_CHUNK_SIZE default 60000', size: 60_000, server: ServerOfFile.start() },
];

describe.each(outgoing)('$setting', ({ size, server }) => {
  test('is announced and used on output: no chunk above it, some chunk as large, payload intact', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    const player = await server.player(channel);
    const items = [
      ...avcAacStream('sized', 5, { size: 3_000 }),
      { kind: 'video' as const, timestamp: 400, payload: avc.keyframe('large', 3 * size + 17) },
    ];
    sendMedia(publisher, items);
    await expectMedia(player, items);
    const announced = player.received.find(({ type }) => type === MessageType.setChunkSize);
    expect(announced?.payload.readUInt32BE()).toBe(size);
    expect(Math.max(...player.received.map(({ largestChunk }) => largestChunk))).toBe(size);
  });

  test('answers before the announcement keep to 128', async () => {
    const client = await server.open();
    const answer = await client.callConnect({ app: 'no.channel', tcUrl: '' });
    expect(answer.name).toBe('_error');
    expect(Math.max(...client.received.map(({ largestChunk }) => largestChunk))).toBe(128);
  });
});

describe('a publisher', () => {
  const { server } = outgoing[2]!;

  test.each([128, 4096, 65_536, 1_000_000])('may use chunk size %i', async (chunkSize) => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const publisher = await server.publisher(channel, 'key', { chunkSize });
    const items = avcAacStream('chunked', 10, { size: 70_000 });
    sendMedia(publisher, items);
    await expectMedia(player, items);
  });

  test('may change its chunk size in mid-stream', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const publisher = await server.publisher(channel);
    for (const size of [1, 128, 0xffffff, 300]) {
      publisher.connection.setChunkSize(size);
      const items = avcAacStream(`size-${size}`, 3, { size: 1_000 });
      sendMedia(publisher, items);
      await expectMedia(player, items);
    }
  });

  test('that sets the reserved top bit of its chunk size is understood', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const publisher = await server.publisher(channel);
    publisher.connection.setChunkSize(0x80000000 + 500);
    publisher.connection.chunks.chunkSize = 500;
    const items = avcAacStream('top-bit', 3, { size: 2_000 });
    sendMedia(publisher, items);
    await expectMedia(player, items);
  });
});
