import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pictureOfFlv } from '../../../service/console/pictures/flv-picture';
import { sourceFile } from '../../support/programs/ffmpeg';

const bytes = (...parts: readonly (readonly number[] | string)[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part)] : part)));

/** An FLV file of these video tag bodies. */
function flv(...bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const tags = bodies.map((body) => {
    const size = [body.length >> 16, (body.length >> 8) & 255, body.length & 255];
    return [9, ...size, 0, 0, 0, 0, 0, 0, 0, ...body, 0, 0, 0, 0];
  });
  return bytes('FLV', [1, 1, 0, 0, 0, 9, 0, 0, 0, 0], ...tags);
}

const AVCC = [1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 0];

describe('H.264', () => {
  test('of a file by ffmpeg: the last keyframe, and its configuration', async () => {
    const file = new Uint8Array(readFileSync(await sourceFile('h264-aac')));
    const picture = pictureOfFlv(file)!;
    expect(picture.codec).toMatch(/^avc1\.[0-9a-f]{6}$/);
    expect(picture.description![0]).toBe(1);
    expect(picture.codec).toBe(`avc1.${Buffer.from(picture.description!.subarray(1, 4)).toString('hex')}`);
    // NAL units with their lengths, up to the end.
    const view = Buffer.from(picture.keyframe);
    let at = 0;
    while (at < view.length) at += 4 + view.readUInt32BE(at);
    expect(at).toBe(view.length);
  });

  test('end of sequence and other frames are no pictures', () => {
    const configuration = bytes([0x17, 0, 0, 0, 0], AVCC);
    const keyframe = bytes([0x17, 1, 0, 0, 0], 'key');
    const between = bytes([0x27, 1, 0, 0, 0], 'between');
    const end = bytes([0x17, 2, 0, 0, 0]);
    const picture = pictureOfFlv(flv(configuration, keyframe, between, end))!;
    expect(Buffer.from(picture.keyframe).toString()).toBe('key');
    expect(picture.codec).toBe('avc1.64001f');
  });

  test('by its FourCC, with and without a composition time, behind an extension', () => {
    const configuration = bytes([0x90], 'avc1', AVCC);
    expect(pictureOfFlv(flv(configuration, bytes([0x91], 'avc1', [0, 0, 40], 'key')))!.keyframe).toEqual(bytes('key'));
    expect(pictureOfFlv(flv(configuration, bytes([0x93], 'avc1', 'key')))!.keyframe).toEqual(bytes('key'));
    const extended = bytes([0x97, 2, 0, 0, 9, 0x03], 'avc1', 'key');
    expect(pictureOfFlv(flv(configuration, extended))!.keyframe).toEqual(bytes('key'));
  });
});

test('H.265, AV1 and VP9 have the codec strings of their configurations', () => {
  // Main profile, level 4.1, as x265 writes it.
  const hvcc = [1, 0x01, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 123, 0xf0];
  const of = (fourCc: string, record: readonly number[]) =>
    pictureOfFlv(flv(bytes([0x90], fourCc, record), bytes([0x93], fourCc, 'key')));
  expect(of('hvc1', hvcc)?.codec).toBe('hvc1.1.6.L123.90');
  expect(of('av01', [0x81, 0x09, 0x0c, 0])?.codec).toBe('av01.0.09M.08');
  expect(of('vp09', [1, 0, 0, 0, 0, 31, 0x82])).toMatchObject({ codec: 'vp09.00.31.08', description: undefined });
});

test('a keyframe without a configuration, and a codec that browsers do not know, give no picture', () => {
  expect(pictureOfFlv(flv(bytes([0x17, 1, 0, 0, 0], 'key')))).toBeUndefined();
  expect(pictureOfFlv(flv(bytes([0x12], 'sorenson')))).toBeUndefined();
  expect(pictureOfFlv(flv())).toBeUndefined();
});

test('no bytes make it throw', () => {
  const video = fc.uint8Array({ maxLength: 40 }).map((body) => flv(Uint8Array.from(body)));
  const any = fc.uint8Array({ maxLength: 80 }).map((file) => Uint8Array.from(file));
  fc.assert(
    fc.property(fc.oneof(video, any), (file) => {
      pictureOfFlv(file);
    }),
  );
});
