import { expect, test } from '@jest/globals';
import { aac, avc, avcAacStream } from '../../support/rtmp/media';
import { expectMedia, fingerprints, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';

const server = ServerOfFile.start();

/** The first 128 of an audio message's 300 bytes, on chunk stream 7; the rest is never sent. */
const unfinished = Buffer.concat([
  Buffer.from('070000c800012c0801000000', 'hex'),
  Buffer.of(0xaf, 1),
  Buffer.alloc(126),
]);

test('a message that is begun and never finished stops the stream for two seconds at most, and only once', async () => {
  const channel = server.newChannel();
  const [player, publisher] = [
    await server.player(channel),
    await server.publisher(channel, 'key', { chunkSize: 128 }),
  ];
  const items = avcAacStream('frames', 5);
  publisher.sendRaw(unfinished);
  sendMedia(publisher, items);
  await expectMedia(player, items);
  publisher.sendVideo(1_000, avc.keyframe('at once'));
  await player.waitForPayload(avc.keyframe('at once'));
  const late = await server.player(channel);
  await late.waitForPayload(avc.keyframe('at once'));
});

test('the chunks of two messages among each other keep the order in which the messages began', async () => {
  const channel = server.newChannel();
  const [player, publisher] = [
    await server.player(channel),
    await server.publisher(channel, 'key', { chunkSize: 128 }),
  ];
  const sound = Buffer.concat([Buffer.of(0xaf, 1), Buffer.alloc(298)]);
  publisher.sendRaw(unfinished);
  publisher.sendVideo(40, avc.interFrame('between'));
  for (const length of [128, 44]) publisher.sendRaw(Buffer.concat([Buffer.of(0xc7), Buffer.alloc(length)]));
  const expected = [
    { kind: 'audio' as const, timestamp: 200, payload: sound },
    { kind: 'video' as const, timestamp: 40, payload: avc.interFrame('between') },
  ];
  await expectMedia(player, expected);
  publisher.sendAudio(80, aac.frame('end'));
  await player.waitForPayload(aac.frame('end'));
  expect(fingerprints(player.media)).toHaveLength(3);
});
