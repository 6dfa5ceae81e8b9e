import { describe, expect, test } from '@jest/globals';
import { aac, avc, avcAacStream, content, type MediaItem } from '../../support/rtmp/media';
import { type RtmpClient } from '../../support/rtmp/rtmp-client';
import { expectMedia, fingerprints, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { MessageType } from '../../support/rtmp/wire-builder';

// No batching, so that media published before a player joined is not still waiting to be sent.
const LATENCY_MS = '0';
const server = ServerOfFile.start({ LATENCY_MS });
const small = ServerOfFile.start({ LATENCY_MS, GOP_CACHE_SIZE_MB: '1' });
const off = ServerOfFile.start({ LATENCY_MS, GOP_CACHE_SIZE_MB: '0' });

const audioConfig: MediaItem = { kind: 'audio', timestamp: 0, payload: aac.sequenceHeader() };
const videoConfig: MediaItem = { kind: 'video', timestamp: 0, payload: avc.sequenceHeader() };

async function publishAll(from: ServerOfFile, channel: string, items: readonly MediaItem[]): Promise<RtmpClient> {
  const publisher = await from.publisher(channel);
  publisher.sendMetadata({ width: 640 });
  sendMedia(publisher, items);
  await publisher.roundTrip();
  return publisher;
}

/** Everything that a player joining now gets before what is sent from now on. */
async function joins(from: ServerOfFile, channel: string, publisher: RtmpClient, key = 'key'): Promise<RtmpClient> {
  const player = await from.player(channel, key);
  const marker = aac.frame('marker');
  publisher.sendAudio(90_000, marker);
  await player.waitForPayload(marker);
  return player;
}

describe('a late player', () => {
  test('gets metadata, AAC and AVC config first, then cached video starting at the last keyframe', async () => {
    const channel = server.newChannel();
    const items = avcAacStream('gop', 60, { gop: 25 });
    const publisher = await publishAll(server, channel, items);
    const player = await joins(server, channel, publisher);
    const kept = [audioConfig, videoConfig, ...items.slice(2 + 2 * 50)];
    expect(fingerprints(player.media.slice(0, -1))).toEqual(fingerprints(kept));
    const order = player.received
      .filter(({ type }) => [8, 9, 18].includes(type))
      .map(({ type, data }) => data?.[0] ?? type);
    expect(order.slice(0, 4)).toEqual(['|RtmpSampleAccess', 'onMetaData', 8, 9]);
  });

  test('goes on with everything that is sent after it joined, nothing twice and nothing missing', async () => {
    const channel = server.newChannel();
    const items = avcAacStream('seam', 40, { gop: 30 });
    const publisher = await publishAll(server, channel, items.slice(0, 75));
    const player = await server.player(channel);
    sendMedia(publisher, items.slice(75));
    await expectMedia(player, [audioConfig, videoConfig, ...items.slice(2 + 2 * 30)]);
  });

  test('gets a new sequence header instead of the old one, and no frames from before it', async () => {
    const channel = server.newChannel();
    const record = content('another configuration', 40);
    const publisher = await publishAll(server, channel, avcAacStream('first', 5));
    publisher.sendVideo(1_000, avc.sequenceHeader(record));
    publisher.sendAudio(1_000, aac.sequenceHeader(Buffer.of(0x12, 0x10)));
    await publisher.roundTrip();
    const player = await joins(server, channel, publisher);
    expect(fingerprints(player.media.slice(0, 2))).toEqual(
      fingerprints([
        { kind: 'audio', timestamp: 1_000, payload: aac.sequenceHeader(Buffer.of(0x12, 0x10)) },
        { kind: 'video', timestamp: 1_000, payload: avc.sequenceHeader(record) },
      ]),
    );
    expect(player.media.filter(({ type }) => type === MessageType.video)).toHaveLength(1);
  });

  test('of an audio-only stream gets the AAC config; the cache keeps a few seconds, a live player gets all', async () => {
    const channel = server.newChannel();
    const live = await server.player(channel);
    const frames = Array.from({ length: 1_000 }, (_, index): MediaItem => ({
      kind: 'audio',
      timestamp: index * 23,
      payload: aac.frame(`frame-${index}`, 200),
    }));
    const publisher = await publishAll(server, channel, [audioConfig, ...frames]);
    await expectMedia(live, [audioConfig, ...frames]);
    const player = await joins(server, channel, publisher);
    const [first, ...cached] = player.media.slice(0, -1);
    expect(fingerprints([first!])).toEqual(fingerprints([audioConfig]));
    expect(fingerprints(cached)).toEqual(fingerprints(frames.slice(-cached.length)));
    const keptMs = frames.at(-1)!.timestamp - cached[0]!.timestamp;
    expect(keptMs).toBeGreaterThan(500);
    expect(keptMs).toBeLessThan(5_000);
  });
});

describe('KEY?cache=', () => {
  test('no skips the cache for this player only', async () => {
    const channel = server.newChannel();
    const items = avcAacStream('cached', 10);
    const publisher = await publishAll(server, channel, items);
    const without = await joins(server, channel, publisher, 'key?cache=no');
    expect(fingerprints(without.media.slice(0, -1))).toEqual(fingerprints([audioConfig, videoConfig]));
    expect((await joins(server, channel, publisher)).media.length).toBeGreaterThan(20);
  });

  test('clear gives it to this player and then empties it, until the next keyframe', async () => {
    const channel = server.newChannel();
    const items = avcAacStream('cached', 10);
    const publisher = await publishAll(server, channel, items);
    const clearing = await joins(server, channel, publisher, 'key?x=1&cache=clear');
    expect(fingerprints(clearing.media.slice(0, -1))).toEqual(
      fingerprints([audioConfig, videoConfig, ...items.slice(2)]),
    );
    publisher.sendVideo(1_000, avc.interFrame('undecodable'));
    await publisher.roundTrip();
    expect((await joins(server, channel, publisher)).media).toHaveLength(3);
    publisher.sendVideo(2_000, avc.keyframe('again'));
    await publisher.roundTrip();
    const player = await joins(server, channel, publisher);
    expect(player.media[2]?.payload).toEqual(avc.keyframe('again'));
  });
});

describe('GOP_CACHE_SIZE_MB', () => {
  test('bounds it: past the bound it is dropped until the next keyframe', async () => {
    const publisher = await publishAll(small, 'bounded', avcAacStream('large', 30, { gop: 1_000, size: 50_000 }));
    expect((await joins(small, 'bounded', publisher)).media).toHaveLength(3);
    const next = avcAacStream('next', 5, { size: 50_000 }).slice(2);
    sendMedia(publisher, next);
    await publisher.roundTrip();
    const player = await joins(small, 'bounded', publisher);
    expect(fingerprints(player.media.slice(2, -1))).toEqual(fingerprints(next));
  });

  test('0 turns it off: config only, then audio at once, and video from the next keyframe on', async () => {
    const publisher = await publishAll(off, 'off', avcAacStream('uncached', 10));
    const player = await joins(off, 'off', publisher);
    expect(fingerprints(player.media.slice(0, -1))).toEqual(fingerprints([audioConfig, videoConfig]));
    publisher.sendVideo(90_020, avc.interFrame('cannot be decoded'));
    publisher.sendVideo(90_040, avc.keyframe('key'));
    publisher.sendVideo(90_080, avc.interFrame('inter'));
    await player.waitForPayload(avc.interFrame('inter'));
    expect(player.media.slice(3).map(({ timestamp }) => timestamp)).toEqual([90_040, 90_080]);
  });
});
