import { describe, expect, test } from '@jest/globals';
import { aac, avc, type MediaItem } from '../../support/rtmp/media';
import type { RtmpClient } from '../../support/rtmp/rtmp-client';
import { expectMedia, fingerprints, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';

// Media as real encoders send it. No batching, so that late players get what was sent before they joined.
const server = ServerOfFile.start({ LATENCY_MS: '0' });

const audio = (timestamp: number, payload: Buffer): MediaItem => ({ kind: 'audio', timestamp, payload });
const video = (timestamp: number, payload: Buffer): MediaItem => ({ kind: 'video', timestamp, payload });
const [audioConfig, videoConfig] = [audio(0, aac.sequenceHeader()), video(0, avc.sequenceHeader())];

/** Sends the media while a player plays; returns what a player that joins afterwards gets. */
async function publish(items: readonly MediaItem[], metadata = {}): Promise<{ late: RtmpClient; items: string[] }> {
  const channel = server.newChannel();
  const early = await server.player(channel);
  const publisher = await server.publisher(channel);
  publisher.sendMetadata(metadata);
  sendMedia(publisher, items);
  await expectMedia(early, items);
  const late = await server.player(channel);
  publisher.sendData(0, 'onTextData', 'marker');
  await late.nextMessage(({ data }) => data?.[0] === 'onTextData', 'the marker');
  return { late, items: fingerprints(late.media) };
}

test('composition times below zero pass, early and late', async () => {
  const minusOneFrame = 0x1000000 - 40;
  const items = [
    videoConfig,
    video(0, avc.keyframe('k0')),
    video(40, avc.interFrame('p1', 200, 80)),
    video(80, avc.interFrame('b2', 200, minusOneFrame)),
  ];
  expect((await publish(items)).items).toEqual(fingerprints(items));
});

test('audio in bursts of equal timestamps is neither lost nor put in another order', async () => {
  const bursts = Array.from({ length: 200 }, (_, i) => audio(Math.floor(i / 20) * 430, aac.frame(`a${i}`, 200)));
  const { items } = await publish([audioConfig, ...bursts]);
  expect(items[0]).toEqual(fingerprints([audioConfig])[0]);
  expect(items.slice(1)).toEqual(fingerprints(bursts).slice(-(items.length - 1)));
  expect(items.length).toBeGreaterThan(60);
});

test('an empty first AAC configuration: the real one is what late players get first', async () => {
  const items = [
    videoConfig,
    audio(0, aac.sequenceHeader(Buffer.alloc(0))),
    video(0, avc.keyframe('k0')),
    audioConfig,
    audio(10, aac.frame('a0')),
  ];
  const late = await publish(items);
  expect(late.items).toEqual(fingerprints([audioConfig, videoConfig, ...items.slice(2)]));
});

describe('tracks that are announced', () => {
  const announced = { width: 1280, height: 720, videocodecid: 7, audiocodecid: 10 };

  test('and have a configuration, but never come, keep nothing from late players', async () => {
    const sound = Array.from({ length: 1_500 }, (_, i) => audio(i * 20, aac.frame(`a${i}`)));
    const late = await publish([videoConfig, audioConfig, ...sound], announced);
    expect(late.items.slice(0, 2)).toEqual(fingerprints([audioConfig, videoConfig]));
    const cached = late.items.slice(2);
    expect(cached.length).toBeGreaterThan(100);
    expect(cached).toEqual(fingerprints(sound).slice(-cached.length));
    expect(await late.late.nextMetadata()).toEqual(announced);
  });

  test('in the description alone: pictures without sound go on', async () => {
    const pictures = [videoConfig, video(0, avc.keyframe('k0')), video(40, avc.interFrame('p1'))];
    expect((await publish(pictures, announced)).items).toEqual(fingerprints(pictures));
  });
});

test('the first picture after 8 seconds, and one in 10 from then on: late players get the newest', async () => {
  const sound = (fromMs: number, toMs: number): MediaItem[] =>
    Array.from({ length: (toMs - fromMs) / 40 }, (_, i) => audio(fromMs + i * 40, aac.frame(`a${fromMs + i * 40}`)));
  const items = [
    audioConfig,
    videoConfig,
    ...sound(0, 8_000),
    video(8_000, avc.keyframe('k0')),
    ...sound(8_000, 18_000),
  ];
  const headers = fingerprints([audioConfig, videoConfig]);
  expect((await publish(items)).items).toEqual([...headers, ...fingerprints(items.slice(202))]);
  const more = [...items, video(18_000, avc.keyframe('k1')), ...sound(18_000, 27_960)];
  expect((await publish(more)).items).toEqual([...headers, ...fingerprints(more.slice(items.length))]);
});

test('timestamps that begin at 3,000,000,000 reach early and late players as they are', async () => {
  const items = [0, 40, 80].map((time) => video(3_000_000_000 + time, avc.interFrame(`p${time}`)));
  const all = [
    video(3_000_000_000, avc.sequenceHeader()),
    audio(3_000_000_000, aac.sequenceHeader()),
    video(3_000_000_000, avc.keyframe('k0')),
    ...items,
  ];
  const [videoHeader, audioHeader, ...frames] = all;
  expect((await publish(all)).items).toEqual(fingerprints([audioHeader!, videoHeader!, ...frames]));
});
