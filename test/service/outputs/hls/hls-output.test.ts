import { describe, expect, test } from '@jest/globals';
import * as HLS from 'hls-parser';
import { HlsChannel } from '../../../../service/outputs/hls/hls-channel';
import { aac, avc } from '../../../support/rtmp/media';
import { messagesOf } from '../fmp4/media-messages';
import { fourCcVideo } from '../../../support/rtmp/enhanced-media';
import { expectConsistent, headers, HlsRig, media, parse, STARTED_AT, startsWithKeyframe } from './hls-rig';

describe('segments', () => {
  test('are cut at keyframes, as long as asked, and follow each other in time', async () => {
    const rig = new HlsRig();
    rig.write([...headers(), ...media(0, 21)]);
    const { segments, targetDuration, mediaSequenceBase } = rig.parsed;
    expect(segments.map(({ duration }) => duration)).toEqual([2, 2, 2, 2, 2, 2]);
    expect([targetDuration, mediaSequenceBase]).toEqual([2, 4]);
    segments.forEach(({ programDateTime, uri }, i) => {
      expect(programDateTime?.getTime()).toBe(STARTED_AT + (4 + i) * 2_000);
      expect(startsWithKeyframe(rig.channel.file(uri)!)).toBe(true);
    });
    await rig.end();
    expectConsistent(rig.playlists);
    expect(parse(rig.playlists.at(-1)!).endlist).toBe(true);
  });

  test('are as long as the GOP where that is longer', () => {
    const rig = new HlsRig();
    rig.write([...headers(), ...media(0, 21, 5_000)]);
    expect(rig.parsed.segments.map(({ duration }) => duration)).toEqual([5, 5, 5, 5]);
    expect(rig.parsed.targetDuration).toBe(5);
    expectConsistent(rig.playlists);
  });

  test('of audio alone have the length that was asked', () => {
    const rig = new HlsRig();
    rig.write([headers()[1]!, ...media(0, 13).filter(({ typeId }) => typeId === 8)]);
    const { segments } = rig.parsed;
    expect(segments.length).toBeGreaterThanOrEqual(5);
    for (const { duration } of segments) expect(Math.abs(duration - 2)).toBeLessThan(0.1);
    expect(rig.channel.multivariant).toContain('CODECS="mp4a.40.2"');
  });

  test('stay for as long as a playlist that lists them, and then leave the memory', () => {
    const rig = new HlsRig();
    rig.write([...headers(), ...media(0, 60)]);
    const names = rig.playlists.flatMap((text) => parse(text).segments.map(({ uri }) => uri));
    const kept = [...new Set(names)].filter((uri) => rig.channel.file(uri) !== undefined);
    // Six are listed, and seven more were not long ago.
    expect(kept).toEqual([...new Set(names)].slice(-13));
    expect(rig.channel.bytes).toBeLessThan(13 * 2 * (25 * 150 + 50 * 80) + 5_000);
  });

  test('the multivariant playlist names codecs, size and bit rates', () => {
    const rig = new HlsRig();
    expect(rig.channel.multivariant).toBe('');
    rig.write([...headers(), ...media(0, 5)]);
    const playlist = HLS.parse(rig.channel.multivariant);
    if (!playlist.isMasterPlaylist) throw new Error('no multivariant playlist');
    const [variant] = playlist.variants;
    expect(variant).toMatchObject({
      uri: 'live.m3u8',
      codecs: 'avc1.64001f,mp4a.40.2',
      resolution: { width: 1280, height: 720 },
    });
    const bytes = rig.channel.file(rig.parsed.segments[0]!.uri)!.length;
    expect(variant!.bandwidth).toBeGreaterThanOrEqual(Math.floor((bytes * 8) / 2));
  });
});

describe('segments of several lengths', () => {
  /** Keyframes at these times (ms), 25 frames a second in between. */
  const keyframesAt = (...times: number[]) =>
    times.slice(0, -1).flatMap((time, i) => {
      const gop = times[i + 1]! - time;
      return media(time, gop / 1000, gop).filter(({ typeId }) => typeId === 9);
    });
  const everyTwo = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i * 2_000);

  /** At least three target durations stay listed (RFC 8216bis section 6.2.2), unless nothing has left yet. */
  const expectLongEnough = (playlists: readonly string[]) => {
    for (const text of playlists) {
      const { segments, targetDuration } = parse(text);
      const listed = segments.reduce((sum, { duration }) => sum + duration, 0);
      for (const { duration } of segments) expect(Math.round(duration)).toBeLessThanOrEqual(targetDuration);
      if (!text.includes('MEDIA-SEQUENCE:0\n')) expect(listed).toBeGreaterThanOrEqual(3 * targetDuration);
    }
  };

  test('a long one is announced while it is listed, and as much is listed as that asks for', () => {
    const rig = new HlsRig();
    rig.write([headers()[0]!, ...keyframesAt(0, 2_000, 4_000, ...everyTwo(19_000, 61))]);
    expectLongEnough(rig.playlists);
    expectConsistent(rig.playlists);
    expect(rig.playlists.some((text) => text.includes('TARGETDURATION:15'))).toBe(true);
    expect(rig.parsed.targetDuration).toBe(2);
    expect(rig.parsed.segments).toHaveLength(6);
  });

  test('irregular keyframes', () => {
    const rig = new HlsRig();
    const times = [0];
    for (let i = 0; times.at(-1)! < 200_000; i += 1) times.push(times.at(-1)! + [2_000, 8_320, 3_000, 5_000][i % 4]!);
    rig.write([headers()[0]!, ...keyframesAt(...times)]);
    expectLongEnough(rig.playlists);
    expectConsistent(rig.playlists);
    expect(rig.parsed.targetDuration).toBe(8);
  });

  test('without keyframes: are cut, so that what is listed does not fill the memory, and said not to be independent', () => {
    const rig = new HlsRig();
    rig.write([headers()[0]!, ...keyframesAt(0, 90_000)]);
    const { segments, independentSegments } = rig.parsed;
    for (const { duration } of segments) expect(duration).toBeLessThanOrEqual(21);
    expect([segments.length, independentSegments]).toEqual([4, false]);
    expect(rig.channel.multivariant).not.toContain('INDEPENDENT');
  });
});

describe('a change of source', () => {
  test('resumed by another connection: a discontinuity with an init segment of its own', async () => {
    const rig = new HlsRig();
    rig.write([...headers(), ...media(0, 6)]);
    rig.output.held();
    rig.output.resumed();
    rig.write([...headers(6_000), ...media(6_000, 6)]);
    await rig.end();
    const { segments } = rig.parsed;
    expect(segments.map(({ discontinuity }) => discontinuity === true)).toEqual([
      false,
      false,
      false,
      true,
      false,
      false,
    ]);
    expect(new Set(segments.map(({ map }) => map.uri)).size).toBe(2);
    for (const { map } of segments) expect(rig.channel.file(map.uri)).toBeDefined();
    expectConsistent(rig.playlists);
  });

  test('discontinuities that are not listed any more are counted, and their init segments removed', async () => {
    const rig = new HlsRig();
    for (let i = 0; i < 8; i += 1) {
      rig.write([...headers(i * 6_000), ...media(i * 6_000, 6)]);
      rig.output.resumed();
    }
    await rig.end();
    const inits = [...rig.playlists.join('\n').matchAll(/MAP:URI="([^"]*)"/g)].map(([, uri]) => uri!);
    const all = [...new Set(inits)];
    expect(all).toHaveLength(8);
    expect(rig.channel.file(all[0]!)).toBeUndefined();
    expect(rig.channel.file(all[7]!)).toBeDefined();
    expect(rig.parsed.discontinuitySequenceBase).toBe(5);
    expectConsistent(rig.playlists);
  });

  test('frames that are missing: a discontinuity, and one more gap', async () => {
    const rig = new HlsRig();
    rig.write([...headers(), ...media(0, 4)]);
    rig.output.gap();
    rig.write(media(60_000, 4));
    await rig.end();
    expect(rig.output.status().gaps).toBe(1);
    expect(rig.parsed.segments.map(({ discontinuity }) => discontinuity === true)).toEqual([false, false, true, false]);
    // What nobody saw is not in the times of what follows.
    expect(rig.parsed.segments[2]!.programDateTime?.getTime()).toBe(STARTED_AT + 60_000);
    expectConsistent(rig.playlists);
  });

  test('another codec header: a discontinuity, and what it says in the multivariant playlist', async () => {
    const rig = new HlsRig();
    rig.write([...headers(), ...media(0, 4)]);
    const mono = Buffer.from('1188', 'hex');
    rig.write(messagesOf([{ kind: 'audio', timestamp: 4_000, payload: aac.sequenceHeader(mono) }]));
    rig.write(media(4_000, 4));
    await rig.end();
    expect(rig.parsed.segments.map(({ discontinuity }) => discontinuity === true)).toEqual([false, false, true, false]);
    expectConsistent(rig.playlists);
  });
});

describe('the end of a stream', () => {
  test('right after a change of codec: the last frame has its time, and the playlist ends', async () => {
    let isOver = false;
    const rig = new HlsRig({ over: () => (isOver = true) });
    rig.write([...headers(), ...media(0, 4)]);
    const [mono] = messagesOf([
      { kind: 'audio', timestamp: 4_000, payload: aac.sequenceHeader(Buffer.from('1188', 'hex')) },
    ]);
    rig.write([mono!, ...media(4_000, 1).slice(0, 1)]);
    await rig.end();
    expect(isOver).toBe(true);
    expect(rig.parsed.endlist).toBe(true);
    expect(rig.parsed.segments.at(-1)!.programDateTime?.getTime()).toBe(STARTED_AT + 4_000);
    expectConsistent(rig.playlists);
  });

  test('a frame that cannot be packaged: what was made before ends properly', async () => {
    let isOver = false;
    const rig = new HlsRig({ over: () => (isOver = true) });
    rig.write([...headers(), ...media(0, 5)]);
    // No caller does this; any fault of the packager would.
    rig.channel.keep = () => {
      throw new Error('a fault');
    };
    await rig.end();
    expect([isOver, rig.channel.isEnded, rig.parsed.endlist]).toEqual([true, true, true]);
    expect(rig.log.entries.some(({ message }) => message.includes('cannot be packaged'))).toBe(true);
  });

  test('the next stream of the channel continues the numbers, after a discontinuity', async () => {
    const first = new HlsRig();
    first.write([...headers(), ...media(0, 7)]);
    await first.end();
    const { mediaSequenceBase = 0, segments } = first.parsed;
    const second = new HlsRig({ channel: first.channel });
    second.write([...headers(), ...media(0, 5)]);
    expect(second.parsed.mediaSequenceBase).toBe(mediaSequenceBase + segments.length);
    expect(second.parsed.segments[0]!.discontinuity).toBe(true);
    // Those who watch the end of the first stream can, for as long as its last playlist lasts.
    for (const { uri } of segments) expect(first.channel.file(uri)).toBeDefined();
    second.write(media(5_000, 20));
    for (const { uri } of segments) expect(first.channel.file(uri)).toBeUndefined();
  });

  test.each(['shutdown', 'replaced', 'moved'])('after "%s" the playlist stays open for another node', async (code) => {
    const rig = new HlsRig();
    rig.write([...headers(), ...media(0, 5)]);
    await rig.end(code);
    expect(rig.parsed.endlist).toBe(false);
    expect(rig.parsed.segments.length).toBe(3);
  });
});

test('a codec without a place in MP4: nothing is packaged, and the status says why', () => {
  const rig = new HlsRig();
  const video = fourCcVideo('vp08');
  rig.write(messagesOf([0, 40].map((timestamp) => ({ kind: 'video', timestamp, payload: video.keyframe('k') }))));
  expect(rig.output.status()).toMatchObject({ state: 'failed', reason: 'not in MP4: VP8', segments: 0 });
  expect(rig.channel.playlist).toBe('');
});

function expectPartsInBounds(playlists: readonly string[], target: number): void {
  expect(playlists.length).toBeGreaterThan(20);
  for (const text of playlists) {
    for (const { parts } of parse(text).segments) {
      const made = parts.filter(({ hint }) => !hint);
      made.forEach(({ duration = 0 }, i) => {
        expect(duration).toBeLessThanOrEqual(target);
        if (i < made.length - 1) expect(duration).toBeGreaterThanOrEqual(0.85 * target);
      });
    }
  }
}

describe('low latency', () => {
  const rigOf = () => new HlsRig({ partMs: 500 });

  test('parts are listed as they are made, none longer than the target and few shorter', async () => {
    const rig = rigOf();
    rig.write([...headers(), ...media(0, 21)]);
    await rig.end();
    expectConsistent(rig.playlists);
    const last = parse(rig.playlists.at(-2)!);
    expect(last).toMatchObject({ partTargetDuration: 0.5, lowLatencyCompatibility: { canBlockReload: true } });
    expect(last.lowLatencyCompatibility?.partHoldBack).toBeGreaterThanOrEqual(1.5);
    for (const text of rig.playlists) {
      for (const { parts } of parse(text).segments) {
        const made = parts.filter(({ hint }) => !hint);
        made.forEach(({ duration = 0 }, i) => {
          expect(duration).toBeLessThanOrEqual(0.5);
          if (i < made.length - 1) expect(duration).toBeGreaterThanOrEqual(0.85 * 0.5);
        });
      }
    }
    // A new version with each part and each segment.
    expect(rig.playlists.length).toBeGreaterThanOrEqual(40);
  });

  test.each([29.97, 30, 59.94, 25, 24, 23.976, 15, 12, 10, 8])(
    'at %d frames a second, no part is longer than announced, and none but the last of a segment is below 85 %%',
    (rate) => {
      const rig = new HlsRig({ partMs: 505 });
      const gop = Math.round(2 * rate);
      const items = Array.from({ length: Math.round(rate * 30) }, (_, i) => ({
        kind: 'video' as const,
        timestamp: Math.round((i * 1000) / rate),
        payload: (i % gop === 0 ? avc.keyframe : avc.interFrame)('v'),
      }));
      rig.write([headers()[0]!, ...messagesOf(items)]);
      expectPartsInBounds(rig.playlists, 0.505);
    },
  );

  test('frames that come irregularly make no longer parts, nor does audio alone', () => {
    const rig = new HlsRig({ partMs: 505 });
    let timestamp = 0;
    const items = Array.from({ length: 700 }, (_, i) => {
      timestamp += [33, 120, 10, 40, 290, 33][i % 6]!;
      return { kind: 'video' as const, timestamp, payload: (i % 50 === 0 ? avc.keyframe : avc.interFrame)('v') };
    });
    rig.write([headers()[0]!, ...messagesOf(items)]);
    const alone = new HlsRig({ partMs: 505 });
    alone.write([headers()[1]!, ...media(0, 21).filter(({ typeId }) => typeId === 8)]);
    const durations = [...[...rig.playlists, ...alone.playlists].join('').matchAll(/EXT-X-PART:DURATION=([\d.]+)/g)];
    for (const [, duration] of durations) expect(Number(duration)).toBeLessThanOrEqual(0.505);
    expect(alone.playlists.at(-1)).toContain('EXT-X-PART:');
  });

  test('video that stands still: its segment is listed as a whole, and parts return', () => {
    const rig = new HlsRig({ partMs: 505 });
    const still = media(0, 12).filter(
      ({ typeId, timestamp }) => typeId !== 9 || timestamp < 4_300 || timestamp > 6_800,
    );
    rig.write([...headers(), ...still]);
    for (const text of rig.playlists)
      for (const { parts } of parse(text).segments)
        for (const { duration = 0 } of parts) expect(duration).toBeLessThanOrEqual(0.505);
    expectConsistent(rig.playlists);
    expect(rig.playlists.at(-1)).toContain('EXT-X-PART:');
  });

  test('a program that packages stream after stream of a channel keeps no parts of old ones', async () => {
    const channel = new HlsChannel();
    let kept = 0;
    for (let i = 0; i < 6; i += 1) {
      const rig = new HlsRig({ partMs: 505, channel });
      rig.write([...headers(), ...media(0, 40)]);
      await rig.end();
      if (i === 1) kept = channel.size;
    }
    expect(channel.size).toBe(kept);
  });

  test('the parts of a segment are its bytes, and take no memory of their own', () => {
    const rig = rigOf();
    rig.write([...headers(), ...media(0, 9)]);
    const segment = rig.parsed.segments.filter(({ uri }) => uri !== '').at(-1)!;
    const whole = rig.channel.file(segment.uri)!;
    const parts = segment.parts.map(({ uri }) => rig.channel.file(uri)!);
    expect(parts.length).toBe(5);
    expect(Buffer.concat(parts).equals(whole)).toBe(true);
    for (const part of parts) expect(part.buffer).toBe(whole.buffer);
  });

  test('the next part is announced with the name that it gets', () => {
    const rig = rigOf();
    rig.write([...headers(), ...media(0, 6)]);
    const hints = rig.playlists.map((text) => /PRELOAD-HINT:TYPE=PART,URI="([^"]*)"/.exec(text)?.[1]);
    const parts = rig.playlists.map((text) => [...text.matchAll(/EXT-X-PART:.*URI="([^"]*)"/g)].at(-1)?.[1]);
    hints.slice(0, -1).forEach((hint, i) => expect([parts[i + 1], hints[i + 1]]).toContain(hint));
  });

  test('old parts are not listed any more', () => {
    const rig = rigOf();
    rig.write([...headers(), ...media(0, 21)]);
    const listed = rig.parsed.segments.filter(({ uri }) => uri !== '').map(({ parts }) => parts.length > 0);
    expect(listed).toEqual([false, false, false, false, true, true]);
  });
});
