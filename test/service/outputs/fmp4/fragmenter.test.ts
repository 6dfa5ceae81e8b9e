import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InitSegment } from '../../../../service/outputs/fmp4/init-segment';
import type { MediaMessage } from '../../../../service/outputs/stream/output';
import { MessageType } from '../../../../service/protocol/message-types';
import { ffmpeg, sourceFile } from '../../../support/programs/ffmpeg';
import { fourCcAudio, fourCcVideo } from '../../../support/rtmp/enhanced-media';
import { aac, avc } from '../../../support/rtmp/media';
import { decodedIn, fragmentsOf, type Packet, packetsIn, writeFragments } from './fragment-file';
import { messagesOf, messagesOfFlv, messagesOfMp4 } from './media-messages';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fmp4-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const place = (name: string): string => join(folder, name);
const shifted = (messages: readonly MediaMessage[], ms: number): MediaMessage[] =>
  messages.map((message) => ({ ...message, timestamp: message.timestamp + ms }));
const codecsOf = ({ tracks }: InitSegment): string => tracks.map(({ codec }) => codec).join(',');
const ofKind = (packets: readonly Packet[], kind: 'audio' | 'video'): Packet[] =>
  packets.filter(({ codec_type }) => codec_type === kind);

describe('what other programs find in the file', () => {
  test('H.264 with B-frames, and AAC: the same packets at the same times', async () => {
    const source = await sourceFile('h264-aac');
    const { files } = fragmentsOf(messagesOfFlv(source));
    expect(files).toHaveLength(1);
    expect(codecsOf(files[0]!.init)).toMatch(/^avc1\.64[0-9a-f]{4},mp4a\.40\.2$/);
    const path = writeFragments(files[0]!, place('h264.mp4'));
    const [before, after] = [await packetsIn(source), await packetsIn(path)];
    const video = ofKind(after, 'video');
    expect(video.map(({ data_hash }) => data_hash)).toEqual(ofKind(before, 'video').map((p) => p.data_hash));
    expect(video.map((p) => Number(p.pts_time))).toEqual(ofKind(before, 'video').map((p) => Number(p.pts_time)));
    expect(video.map((p) => Number(p.dts_time))).toEqual(ofKind(before, 'video').map((p) => Number(p.dts_time)));
    expect(video.map((p) => p.flags.startsWith('K'))).toEqual(
      ofKind(before, 'video').map((p) => p.flags.startsWith('K')),
    );
    const audio = ofKind(after, 'audio');
    expect(audio.map(({ data_hash }) => data_hash)).toEqual(ofKind(before, 'audio').map((p) => p.data_hash));
    // 1024 samples each, although the timestamps of RTMP are 23 and 24 ms apart.
    expect(new Set(audio.map((p) => p.duration_time))).toEqual(new Set(['0.023220']));
    expect(await decodedIn(path, 'v')).toEqual(await decodedIn(source, 'v'));
    expect(await decodedIn(path, 'a')).toEqual(await decodedIn(source, 'a'));
  });

  test.each([
    ['hvc1', '-c:v libx265 -preset ultrafast -x265-params log-level=error:bframes=2 -tag:v hvc1', /^hvc1\.1\.6\./],
    ['av01', '-c:v libaom-av1 -cpu-used 8 -usage realtime', /^av01\.0\./],
    ['vp09', '-c:v libvpx-vp9 -deadline realtime -cpu-used 8', /^vp09\.00\./],
  ])('Enhanced RTMP with %s: the same packets, which decode without a warning', async (name, encoder, codecs) => {
    const source = place(`${name}-source.mp4`);
    const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=64x64:rate=25:duration=1'];
    await ffmpeg([...picture, ...encoder.split(' '), '-g', '12', '-pix_fmt', 'yuv420p', source]).succeeded();
    const { files } = fragmentsOf(messagesOfMp4(source), { fragmentMs: 200 });
    expect(files).toHaveLength(1);
    expect(codecsOf(files[0]!.init)).toMatch(codecs);
    const path = writeFragments(files[0]!, place(`${name}.mp4`));
    const [before, after] = [await packetsIn(source), await packetsIn(path)];
    expect(after.map(({ data_hash }) => data_hash)).toEqual(before.map(({ data_hash }) => data_hash));
    const offsets = (packets: Packet[]) =>
      packets.map((p) => Math.round(1000 * (Number(p.pts_time) - Number(p.dts_time))));
    expect(offsets(after)).toEqual(offsets(before));
    expect(await decodedIn(path, 'v')).toHaveLength(25);
  });

  test.each([
    ['Opus', '-c:a libopus -b:a 64k', 'opus'],
    ['FLAC', '-c:a flac -strict -2', 'fLaC'],
  ])('audio alone in %s', async (name, encoder, codecs) => {
    const source = place(`${name}-source.mp4`);
    const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000:duration=3'];
    await ffmpeg([...tone, ...encoder.split(' '), source]).succeeded();
    const { files } = fragmentsOf(messagesOfMp4(source));
    expect(files.map(({ init }) => codecsOf(init))).toEqual([codecs]);
    expect(files[0]!.fragments.length).toBeGreaterThanOrEqual(5);
    expect(files[0]!.fragments.every(({ isIndependent }) => isIndependent)).toBe(true);
    const path = writeFragments(files[0]!, place(`${name}.mp4`));
    const hashes = (packets: Packet[]) => packets.map(({ data_hash }) => data_hash);
    expect(hashes(await packetsIn(path))).toEqual(hashes(await packetsIn(source)));
    expect((await decodedIn(path, 'a')).length).toBeGreaterThan(20);
  });
});

const header = () => [
  { kind: 'video' as const, timestamp: 0, payload: avc.sequenceHeader() },
  { kind: 'audio' as const, timestamp: 0, payload: aac.sequenceHeader() },
];
/** A keyframe each second, 25 frames a second, and audio every 21 or 22 ms. */
function media(fromMs: number, seconds: number, delays: readonly number[] = [0]) {
  const items = [];
  for (let i = 0; i < seconds * 25; i += 1) {
    const payload = (i % 25 === 0 ? avc.keyframe : avc.interFrame)(`v${i}`, 100, delays[i % delays.length]);
    items.push({ kind: 'video' as const, timestamp: fromMs + i * 40, payload });
  }
  for (let i = 0; i * 1024 < seconds * 48000; i += 1) {
    const timestamp = fromMs + Math.round((i * 1024) / 48);
    items.push({ kind: 'audio' as const, timestamp, payload: aac.frame(`a${i}`, 50) });
  }
  return items.sort((a, b) => a.timestamp - b.timestamp);
}

describe('times', () => {
  test('decode times pass 2^32 ticks, and the stream 2^32 ms, without a step', async () => {
    const hours = 14 * 3600_000;
    const wrap = 2 ** 32;
    const near = wrap - hours - 500;
    // The timeline's zero is 14 hours back, so that ticks of 1/90000 s pass 2^32 too.
    const messages = [
      ...messagesOf([...header(), ...media(0, 1)]).map((message) => ({
        ...message,
        timestamp: message.timestamp + near,
      })),
    ];
    const later: MediaMessage[] = [];
    for (let at = near + 1000; at < wrap; at += 9_000) later.push({ ...messages[2]!, timestamp: at });
    const { files } = fragmentsOf([...messages, ...later, ...shifted(messagesOf(media(0, 2)), wrap - 500)]);
    expect(files).toHaveLength(1);
    const packets = ofKind(await packetsIn(writeFragments(files[0]!, place('long.mp4'))), 'video');
    const last = Number(packets.at(-1)!.dts_time);
    expect(last).toBeCloseTo((hours + 500 - 500 + 1960) / 1000, 2);
    const times = packets.map((p) => Number(p.dts_time));
    expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true);
  });

  test('an hour of audio with times rounded to milliseconds drifts by less than a millisecond', () => {
    const frames = Math.floor((3600 * 44100) / 1024);
    const items = [{ kind: 'audio' as const, timestamp: 0, payload: aac.sequenceHeader(Buffer.from('1210', 'hex')) }];
    for (let i = 0; i < frames; i += 1)
      items.push({ kind: 'audio', timestamp: Math.floor((i * 1024) / 44.1), payload: aac.frame('a', 4) });
    const { files } = fragmentsOf(messagesOf(items), { fragmentMs: 60_000 });
    const fragments = files[0]!.fragments;
    const last = fragments.at(-1)!;
    expect(Math.abs(last.time + last.duration - (frames * 1024) / 44.1)).toBeLessThan(1);
    expect(decodeTimes(last.bytes)[0]! % 1024).toBe(0);
  });

  test('composition times below 0 stay, and repeated timestamps get rising decode times', async () => {
    const delays = [0, 80, -40, 0];
    const items = media(0, 1, delays).map((item, i) =>
      i % 7 === 3 ? { ...item, timestamp: Math.max(0, item.timestamp - 40) } : item,
    );
    const { files } = fragmentsOf(messagesOf([...header(), ...items]));
    const packets = ofKind(await packetsIn(writeFragments(files[0]!, place('offsets.mp4'))), 'video');
    const times = packets.map((p) => Number(p.dts_time));
    expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true);
    // ffprobe moves all times by 40 ms, so that no frame is shown before it is decoded.
    const shown = items.filter(({ kind }) => kind === 'video').map(({ timestamp }, i) => timestamp + delays[i % 4]!);
    expect(packets.map((p) => Math.round(Number(p.pts_time) * 1000) - 40)).toEqual(shown);
  });

  test('a variable frame rate keeps each frame where it was', async () => {
    const times = [0, 17, 33, 140, 141, 400, 433, 900];
    const items = times.map((timestamp, i) => ({
      kind: 'video' as const,
      timestamp,
      payload: (i === 0 ? avc.keyframe : avc.interFrame)(`v${i}`, 20),
    }));
    const { files } = fragmentsOf(messagesOf([header()[0]!, ...items]));
    const packets = await packetsIn(writeFragments(files[0]!, place('variable.mp4')));
    expect(packets.map((p) => Math.round(1000 * Number(p.dts_time)))).toEqual(times);
  });

  test('fragments follow each other without a hole, and none is longer than asked', () => {
    const { files } = fragmentsOf(messagesOf([...header(), ...media(5_000, 4)]), { fragmentMs: 300 });
    const { fragments } = files[0]!;
    fragments.slice(1).forEach(({ time }, i) => expect(time).toBe(fragments[i]!.time + fragments[i]!.duration));
    expect(fragments[0]!.time).toBe(5_000);
    expect(Math.max(...fragments.map(({ duration }) => duration))).toBeLessThanOrEqual(300);
    expect(fragments.filter(({ isIndependent }) => isIndependent).map(({ time }) => time)).toEqual([
      5_000, 6_000, 7_000, 8_000,
    ]);
    expect(fragments.map(({ bytes }) => sequenceNumber(bytes))).toEqual(fragments.map((_, i) => i + 1));
  });
});

describe('beginnings', () => {
  test('the first frame is a keyframe, and no audio stands before it', () => {
    const items = media(0, 2).filter(({ kind, timestamp }) => kind === 'audio' || timestamp >= 520);
    const { files } = fragmentsOf(messagesOf([...header(), ...items]));
    expect(files[0]!.fragments[0]).toMatchObject({ time: 1_000, isIndependent: true });
    expect(decodeTimes(files[0]!.fragments[0]!.bytes).every((time) => time < 48 * 30)).toBe(true);
  });

  test('a header that comes late, but within a second, still makes one file with both tracks', () => {
    const items = media(0, 3);
    const late = items.filter(({ kind, timestamp }) => kind === 'video' || timestamp > 700);
    const at = late.findIndex(({ timestamp }) => timestamp > 700);
    const messages = messagesOf([header()[0]!, ...late.slice(0, at), header()[1]!, ...late.slice(at)]);
    const { files } = fragmentsOf(messages);
    expect(files.map(({ init }) => codecsOf(init))).toEqual(['avc1.64001f,mp4a.40.2']);
    expect(files[0]!.fragments[0]!.time).toBe(0);
  });

  test('a track that comes later makes a new beginning at a keyframe', () => {
    const items = media(0, 4);
    const late = items.filter(({ kind, timestamp }) => kind === 'video' || timestamp > 1_500);
    const at = late.findIndex(({ timestamp }) => timestamp > 1_500);
    const { files } = fragmentsOf(messagesOf([header()[0]!, ...late.slice(0, at), header()[1]!, ...late.slice(at)]));
    expect(files.map(({ init, why }) => [codecsOf(init), why])).toEqual([
      ['avc1.64001f', 'start'],
      ['avc1.64001f,mp4a.40.2', 'codec'],
    ]);
    expect(files[1]!.fragments[0]!.time).toBe(2_000);
    expect(files[0]!.fragments.at(-1)!.time + files[0]!.fragments.at(-1)!.duration).toBe(2_000);
    expect(sequenceNumber(files[1]!.fragments[0]!.bytes)).toBe(1);
  });

  test('video that comes after audio alone makes one new beginning', () => {
    const items = media(0, 4).filter(({ kind, timestamp }) => kind === 'audio' || timestamp >= 2_000);
    const { files } = fragmentsOf(messagesOf([header()[1]!, ...items.slice(0, 80), header()[0]!, ...items.slice(80)]));
    expect(files.map(({ init, why }) => [codecsOf(init), why])).toEqual([
      ['mp4a.40.2', 'start'],
      ['avc1.64001f,mp4a.40.2', 'codec'],
    ]);
  });

  test('a changed header makes a new beginning, and the same header again does not', () => {
    const changed = Buffer.from('1210', 'hex');
    const second = shifted(messagesOf([...header(), ...media(0, 2)]), 2_000);
    const third = shifted(messagesOf([header()[0]!, { ...header()[1]!, payload: aac.sequenceHeader(changed) }]), 4_000);
    const rest = shifted(messagesOf(media(0, 1)), 4_000);
    const { files } = fragmentsOf([...messagesOf([...header(), ...media(0, 2)]), ...second, ...third, ...rest]);
    expect(files.map(({ why, fragments }) => [why, fragments[0]!.time])).toEqual([
      ['start', 0],
      ['codec', 4_000],
    ]);
  });

  test.each([
    ['ahead', 3_600_000],
    ['back', -60_000],
  ])('a clock that jumps %s makes a new beginning, from zero', (_, jump) => {
    const before = shifted(messagesOf([...header(), ...media(0, 2)]), 100_000);
    const after = shifted(messagesOf(media(0, 2)), 100_000 + jump + 400).filter(
      ({ timestamp }) => timestamp > 100_900 + jump,
    );
    const { files } = fragmentsOf([...before, ...after]);
    expect(files.map(({ why }) => why)).toEqual(['start', 'clock']);
    expect(files[1]!.fragments[0]!.time).toBe(101_400 + jump);
    expect(Math.max(...decodeTimes(files[1]!.fragments[0]!.bytes))).toBeLessThan(1500);
  });

  test('a gap of some seconds stays a gap: the frame before it is not stretched', async () => {
    const messages = [...messagesOf([...header(), ...media(0, 2)]), ...shifted(messagesOf(media(0, 2)), 5_000)];
    const { files } = fragmentsOf(messages);
    expect(files).toHaveLength(1);
    const packets = await packetsIn(writeFragments(files[0]!, place('gap.mp4')));
    expect(packets.filter((p) => Number(p.duration_time) > 0.1)).toEqual([]);
    expect(Math.max(...ofKind(packets, 'video').map((p) => Number(p.dts_time)))).toBeCloseTo(6.96, 2);
  });
});

test('codecs that have no place in MP4: audio is left out, and named once', () => {
  const speex = Buffer.concat([Buffer.of(0xb2), Buffer.alloc(20, 1)]);
  const items = media(0, 2).map((item) => (item.kind === 'audio' ? { ...item, payload: speex } : item));
  const sink = fragmentsOf(messagesOf([header()[0]!, ...items]));
  expect(sink.unsupportedReasons).toEqual(['not in MP4: Speex']);
  expect(sink.files.map(({ init }) => codecsOf(init))).toEqual(['avc1.64001f']);
});

test('a video codec that has no place in MP4 is told as such', () => {
  const video = fourCcVideo('vp08');
  const items = [0, 40, 80].map((timestamp) => ({ kind: 'video' as const, timestamp, payload: video.keyframe('k') }));
  expect(fragmentsOf(messagesOf(items)).unsupportedReasons).toEqual(['not in MP4: VP8']);
});

test('headers and frames that are cut short are left out', () => {
  const opus = fourCcAudio('Opus');
  const messages: MediaMessage[] = messagesOf([
    { kind: 'audio', timestamp: 0, payload: opus.sequenceStart(Buffer.from('OpusHead')) },
    { kind: 'video', timestamp: 0, payload: avc.sequenceHeader(Buffer.of(1, 100)) },
    ...[Buffer.alloc(0), Buffer.of(0x17), Buffer.of(0x90), Buffer.of(0x81, 0x61), Buffer.of(0x86, 0)].map(
      (payload) => ({
        kind: 'video' as const,
        timestamp: 10,
        payload,
      }),
    ),
  ]);
  const sink = fragmentsOf([
    ...messages,
    { typeId: MessageType.DataAmf0, timestamp: 0, payload: Buffer.of(2), flags: 4 },
  ]);
  expect(sink.files).toEqual([]);
  expect(sink.unsupportedReasons).toEqual(['its audio header cannot be read', 'its video header cannot be read']);
});

/** Base decode times of the tracks in a fragment. */
function decodeTimes(fragment: Buffer): number[] {
  const times = [];
  for (let at = fragment.indexOf('tfdt'); at >= 0; at = fragment.indexOf('tfdt', at + 1))
    times.push(Number(fragment.readBigUInt64BE(at + 8)));
  return times;
}

function sequenceNumber(fragment: Buffer): number {
  return fragment.readUInt32BE(fragment.indexOf('mfhd') + 8);
}
