import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readAacConfig } from '../../../../service/protocol/media/audio-headers';
import { isClosedH264 } from '../../../../service/protocol/media/keyframe-kind';
import { mainContents, readAudioHeader, readVideoHeader } from '../../../../service/protocol/media/sequence-header';
import { readVp9Keyframe } from '../../../../service/protocol/media/vp9-header';
import { audioConfigs, flacHeader, opusHead, videoRecords, vp9Keyframes } from '../../../vectors/codec-header-vectors';

const fourCc = (name: string): Buffer => Buffer.from(name, 'latin1');
const codeOf = (name: string): number => fourCc(name).readUInt32BE();
const LEGACY: Readonly<Record<string, number>> = { avc1: 7, hvc1: 12, av01: 13 };
const enhanced = (codec: string, contents: Buffer): Buffer => Buffer.concat([Buffer.of(0x90), fourCc(codec), contents]);
const oneTrack = (track: number, codec: string, contents: Buffer): Buffer =>
  Buffer.concat([Buffer.of(0x96, 0x00), fourCc(codec), Buffer.of(track), contents]);

describe('sequence headers of video', () => {
  test.each(videoRecords)('$codec: $name', ({ codec, hex, header }) => {
    const record = Buffer.from(hex, 'hex');
    expect(readVideoHeader(enhanced(codec, record), codeOf(codec), 0)).toEqual(header);
    expect(readVideoHeader(oneTrack(3, codec, record), codeOf(codec), 3)).toEqual(header);
    const legacy = LEGACY[codec];
    if (legacy === undefined) return;
    const message = Buffer.concat([Buffer.of(0x10 | legacy, 0, 0, 0, 0), record]);
    expect(readVideoHeader(message, legacy, 0)).toEqual(header);
  });

  test('a VP9 record without version and flags', () => {
    const record = Buffer.from('0015820202020000', 'hex');
    expect(readVideoHeader(enhanced('vp09', record), codeOf('vp09'), 0)).toMatchObject({ chroma: 1, bitDepth: 8 });
  });

  test.each(vp9Keyframes)('the size in a VP9 keyframe: $size', ({ hex, size }) => {
    const read = readVp9Keyframe(Buffer.from(hex, 'hex'));
    expect(read && `${read.width}x${read.height}`).toBe(size);
  });

  test('codecs without a reader, side tracks and cut headers say nothing', () => {
    const { hex } = videoRecords[0]!;
    const record = Buffer.from(hex, 'hex');
    expect(readVideoHeader(enhanced('vvc1', record), codeOf('vvc1'), 0)).toBeUndefined();
    expect(readVideoHeader(oneTrack(1, 'avc1', record), codeOf('avc1'), 0)).toBeUndefined();
    expect(readVideoHeader(enhanced('avc1', record.subarray(0, 12)), codeOf('avc1'), 0)).toBeUndefined();
    expect(readVideoHeader(Buffer.of(0x17), 7, 0)).toBeUndefined();
  });
});

describe('sequence headers of audio', () => {
  test.each(audioConfigs)('AAC: $name', ({ hex, header }) => {
    expect(readAudioHeader(Buffer.from(`af00${hex}`, 'hex'), 10, 0)).toEqual(header);
  });

  test('Opus and FLAC', () => {
    const opus = Buffer.concat([Buffer.of(0x90), fourCc('Opus'), Buffer.from(opusHead, 'hex')]);
    expect(readAudioHeader(opus, codeOf('Opus'), 0)).toMatchObject({ sampleRate: 48000, channels: 2 });
    const flac = Buffer.concat([Buffer.of(0x90), fourCc('fLaC'), Buffer.from(flacHeader, 'hex')]);
    expect(readAudioHeader(flac, codeOf('fLaC'), 0)).toMatchObject({ sampleRate: 44100, channels: 2 });
  });

  test('a reserved rate is no configuration', () => {
    expect(readAacConfig(Buffer.of(0x16, 0x90))).toBeUndefined();
  });
});

describe('keyframes', () => {
  const nal = (...bytes: number[]): number[] => [0, 0, 0, bytes.length, ...bytes];

  test('of H.264 are closed if their picture is an IDR picture', () => {
    expect(isClosedH264(Buffer.from([...nal(0x09, 0xf0), ...nal(0x06, 5), ...nal(0x65, 1)]))).toBe(true);
    expect(isClosedH264(Buffer.from([...nal(0x09, 0xf0), ...nal(0x06, 5), ...nal(0x41, 1)]))).toBe(false);
    expect(isClosedH264(Buffer.from([0, 0, 0x40, 0, 0x06]))).toBeUndefined();
    expect(isClosedH264(Buffer.alloc(0))).toBeUndefined();
  });

  test('lose tag and composition time, in legacy and enhanced form', () => {
    const content = Buffer.from('content');
    const withHead = (...head: (Buffer | number)[]): Buffer =>
      Buffer.concat([...head.map((part) => (typeof part === 'number' ? Buffer.of(part) : part)), content]);
    expect(mainContents(withHead(Buffer.of(0x17, 1, 0, 0, 80)), true, 0)).toEqual(content);
    expect(mainContents(withHead(0x91, fourCc('hvc1'), Buffer.of(0, 0, 80)), true, 0)).toEqual(content);
    expect(mainContents(withHead(0x93, fourCc('hvc1')), true, 0)).toEqual(content);
    expect(mainContents(withHead(0x91, fourCc('av01')), true, 0)).toEqual(content);
    expect(mainContents(withHead(Buffer.of(0x97, 0, 0, 0x01), fourCc('av01')), true, 0)).toEqual(content);
  });
});

test('whatever is in a header, reading it neither throws nor takes long', () => {
  const codecs = ['avc1', 'hvc1', 'av01', 'vp09', 'mp4a', 'Opus', 'fLaC'];
  const records = videoRecords.map(({ hex }) => Buffer.from(hex, 'hex'));
  const damaged = fc.tuple(fc.constantFrom(...records), fc.nat(80), fc.nat(255)).map(([record, at, value]) => {
    const copy = Buffer.from(record);
    copy[at % copy.length] = value;
    return copy;
  });
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    damaged,
  );
  fc.assert(
    fc.property(fc.constantFrom(...codecs), anything, (codec, record) => {
      readVideoHeader(enhanced(codec, record), codeOf(codec), 0);
      readAudioHeader(enhanced(codec, record), codeOf(codec), 0);
      readVideoHeader(record, 7, 0);
      readAudioHeader(record, 10, 0);
      readVp9Keyframe(record);
      isClosedH264(record);
    }),
    { numRuns: 3000 },
  );
});
