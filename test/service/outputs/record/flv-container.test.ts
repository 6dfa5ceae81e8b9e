import { beforeEach, describe, expect, test } from '@jest/globals';
import type { FileStart } from '../../../../service/outputs/record/container';
import { FlvContainer } from '../../../../service/outputs/record/flv-container';
import { mediaInFlv } from '../../../support/rtmp/flv-file';
import { avc, avcConfigRecord, hevc12 } from '../../../support/rtmp/media';
import { MessageMaker } from '../../../support/rtmp/stream-messages';

let files: { readonly start: FileStart; readonly bytes: Buffer[] }[];
let container: FlvContainer;
let maker: MessageMaker;

beforeEach(() => {
  files = [];
  maker = new MessageMaker();
  container = new FlvContainer({
    begin: (start) => void files.push({ start, bytes: [] }),
    append: (bytes) => void files.at(-1)!.bytes.push(Buffer.from(bytes)),
    tracks: () => undefined,
    unsupported: () => undefined,
  });
});

const aac = {
  header: Buffer.from('af001190', 'hex'),
  frame: (label: string) => Buffer.from(`\xaf\x01${label}`, 'latin1'),
};
const video = (payload: Buffer, at: number) => container.write(maker.video(payload, at));
const audio = (payload: Buffer, at: number) => container.write(maker.audio(payload, at));

/** Each frame of a file as `label@time`. */
function frames(index: number): string[] {
  return mediaInFlv(Buffer.concat(files[index]!.bytes))
    .filter(({ payload }) => payload[1] !== 0)
    .map(({ payload, timestamp }) => `${/#(\w+)$/.exec(payload.toString('latin1'))![1]}@${timestamp}`);
}

const whys = (): unknown[] => files.map(({ start }) => start.why);

function begin(): void {
  audio(aac.header, 1000);
  video(avc.sequenceHeader(), 1000);
}

test('a file begins at the first keyframe, with the headers, at zero', () => {
  begin();
  video(avc.interFrame('#before'), 1000);
  audio(aac.frame('#early'), 1020);
  video(avc.keyframe('#key'), 1040);
  audio(aac.frame('#sound'), 1043);
  expect(frames(0)).toEqual(['early@0', 'key@20', 'sound@23']);
  expect(files[0]!.start).toEqual({ why: undefined, streamTime: 1020, video: 'avc1', audio: 'mp4a' });
  const [first, second] = mediaInFlv(Buffer.concat(files[0]!.bytes));
  expect([first!.payload, second!.payload]).toEqual([aac.header, avc.sequenceHeader()]);
});

test('sound without pictures is recorded, too', () => {
  audio(aac.header, 0);
  for (let at = 0; at <= 1_200; at += 100) audio(aac.frame('#a'), at);
  container.end();
  expect(frames(0)).toHaveLength(13);
  expect(Buffer.concat(files[0]!.bytes)[4]).toBe(4);
});

test('a cut waits for a keyframe, and loses nothing', () => {
  begin();
  video(avc.keyframe('#k1'), 1000);
  container.cut('size');
  video(avc.interFrame('#i1'), 1040);
  audio(aac.frame('#a1'), 1060);
  video(avc.keyframe('#k2'), 1080);
  audio(aac.frame('#a2'), 1075);
  expect(frames(0)).toEqual(['k1@0', 'i1@40', 'a1@60']);
  // The zero of the next file is the newest sound before it, so that no sound is below zero.
  expect(frames(1)).toEqual(['k2@20', 'a2@15']);
  expect(whys()).toEqual([undefined, 'size']);
});

describe('a changed header', () => {
  const other = avc.sequenceHeader(Buffer.from(avcConfigRecord).fill(0x28, 3, 4));

  test('begins a file if a keyframe follows', () => {
    begin();
    video(avc.keyframe('#k1'), 1000);
    video(other, 1040);
    audio(aac.frame('#a1'), 1030);
    video(avc.keyframe('#k2'), 1040);
    expect(frames(0)).toEqual(['k1@0', 'a1@30']);
    expect(frames(1)).toEqual(['k2@10']);
    expect(whys()).toEqual([undefined, 'codec']);
    expect(mediaInFlv(Buffer.concat(files[1]!.bytes)).map(({ payload }) => payload)).toContainEqual(other);
  });

  test('of another codec begins a file without the former header', () => {
    begin();
    video(avc.keyframe('#k1'), 1000);
    video(hevc12.sequenceHeader(), 1040);
    video(hevc12.keyframe('#h1'), 1040);
    expect(files[1]!.start).toMatchObject({ why: 'codec', video: 'hvc1' });
    const payloads = mediaInFlv(Buffer.concat(files[1]!.bytes)).map(({ payload }) => payload);
    expect(payloads).not.toContainEqual(avc.sequenceHeader());
    expect(payloads).toContainEqual(hevc12.sequenceHeader());
  });

  test('that is the same as before begins nothing', () => {
    begin();
    video(avc.keyframe('#k1'), 1000);
    begin();
    container.gap();
    begin();
    video(avc.keyframe('#k2'), 1040);
    expect(whys()).toEqual([undefined]);
    expect(frames(0)).toEqual(['k1@0', 'k2@40']);
  });
});

test.each([
  ['ahead', 4_000_000],
  ['back', 10],
])('after a jump %s of the clock the next keyframe begins a file; until then the time continues', (_, to) => {
  begin();
  video(avc.keyframe('#k1'), 2_000_000);
  video(avc.interFrame('#i1'), 2_000_040);
  audio(aac.frame('#a1'), 2_000_050);
  video(avc.interFrame('#i2'), to);
  video(avc.interFrame('#i3'), to + 40);
  audio(aac.frame('#a2'), to + 50);
  video(avc.keyframe('#k2'), to + 80);
  audio(aac.frame('#a3'), to + 90);
  video(avc.keyframe('#k3'), to + 120);
  expect(frames(0)).toEqual(['k1@0', 'i1@40', 'a1@50', 'i2@50', 'i3@90', 'a2@90']);
  expect(frames(1)).toEqual(['k2@30', 'a3@40', 'k3@70']);
  expect(whys()).toEqual([undefined, 'clock']);
});

test('a pause that is known is no jump', () => {
  begin();
  video(avc.keyframe('#k1'), 1000);
  container.allowStep(30_000);
  video(avc.keyframe('#k2'), 31_000);
  expect(frames(0)).toEqual(['k1@0', 'k2@30000']);
});

test('times beyond 32 bits begin files at zero, and a file ends before its times have no room', () => {
  begin();
  // 2^32 ms are 50 days; a frame every half hour.
  const step = 1_800_000;
  const first = 2 ** 32 - 3 * step;
  const count = Math.ceil(2 ** 31 / step) + 5;
  for (let index = 0; index < count; index += 1) {
    container.allowStep(step);
    video(avc.keyframe('#k'), first + index * step);
  }
  expect(whys()).toEqual([undefined, 'time']);
  for (const index of [0, 1]) {
    const times = mediaInFlv(Buffer.concat(files[index]!.bytes)).map(({ timestamp }) => timestamp);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)!).toBeLessThan(2 ** 31);
  }
  expect(files[1]!.start.streamTime).toBeGreaterThan(2 ** 32);
});
