import { describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import type { MediaMessage } from '../../../../service/outputs/stream/output';
import { mediaOfFlv } from '../../../support/rtmp/flv-file';
import { avc, avcConfigRecord } from '../../../support/rtmp/media';
import { MessageMaker } from '../../../support/rtmp/stream-messages';
import { news, RecorderRig, stopped } from './recorder-rig';

const folder = 'news/2026/11/29';
const open = { id: 'record-flv', origin: 'policy', identity: news, format: 'flv' } as const;
const maker = new MessageMaker();

/** A header that differs from those of other numbers. */
function header(number: number): MediaMessage {
  return maker.video(avc.sequenceHeader(Buffer.concat([avcConfigRecord, Buffer.from(String(number))])), 0);
}

const keyframe = (label: string, at: number): MediaMessage => maker.video(avc.keyframe(label), at);

describe('a publisher whose codec changes with every keyframe', () => {
  test('gets a bounded number of files, and what is left out between is a gap', async () => {
    const rig = new RecorderRig();
    const recording = rig.recorder.openRecording(open);
    for (let index = 0; index < 1_000; index += 1) {
      recording.write(header(index));
      recording.write(keyframe(`k${index}`, index * 40));
      rig.now += 40;
    }
    // 20 at once, and one in ten seconds: of the 40 s, three more.
    expect(recording.status()).toMatchObject({
      state: 'recording',
      parts: 23,
      reason: expect.stringContaining('too often'),
    });
    await recording.end(stopped);
    const document = rig.document(`${folder}/18-30-05_ID1.flv.json`);
    expect(document.files).toHaveLength(23);
    const gaps = document.files.flatMap(({ gaps: ofFile }) => ofFile);
    expect(gaps).toHaveLength(4);
    const missing = gaps.reduce((sum, { seconds }) => sum + seconds, 0);
    expect(missing).toBeGreaterThan(36);
    expect(rig.facts.filter(({ type }) => type === 'output.gap')).toHaveLength(4);
    expect(rig.facts.at(-1)).toMatchObject({ type: 'recording.done', parts: 23, gaps: 4 });
  });

  test('is recorded further when it no longer changes', async () => {
    const rig = new RecorderRig();
    const recording = rig.recorder.openRecording(open);
    for (let index = 0; index < 25; index += 1) {
      recording.write(header(index));
      recording.write(keyframe(`k${index}`, index * 40));
    }
    for (let index = 25; index < 50; index += 1) recording.write(keyframe(`left out ${index}`, index * 40));
    rig.now += 15_000;
    recording.write(maker.video(avc.interFrame('no keyframe'), 2_000));
    recording.write(keyframe('again', 2_040));
    recording.write(maker.video(avc.interFrame('and on'), 2_080));
    expect(recording.status()).toMatchObject({ parts: 21, reason: '' });
    await recording.end(stopped);
    const document = rig.document(`${folder}/18-30-05_ID1.flv.json`);
    expect(document.files.at(-1)).toMatchObject({ gaps: [{ at: 0, seconds: 15 }], seconds: 0.04 });
    const last = mediaOfFlv(join(rig.root, folder, document.files.at(-1)!.name));
    // The header of the newest change, and the frames.
    expect(last.map(({ payload }) => payload.length)).toHaveLength(3);
    expect(last[0]!.payload.equals(header(24).payload)).toBe(true);
  });

  test('keeps few headers while no frame comes', async () => {
    const rig = new RecorderRig();
    const recording = rig.recorder.openRecording(open);
    recording.write(header(0));
    recording.write(keyframe('k', 0));
    for (let index = 1; index < 5_000; index += 1) recording.write(header(index));
    recording.write(maker.video(avc.interFrame('i'), 40));
    await recording.end(stopped);
    expect(mediaOfFlv(join(rig.root, folder, '18-30-05_ID1.flv')).length).toBeLessThan(100);
  });
});

test('parts as the settings ask for are all there, each with its length', async () => {
  const rig = new RecorderRig({ partMs: 1_000 });
  const recording = rig.recorder.openRecording(open);
  recording.write(header(0));
  for (let index = 0; index < 60; index += 1) {
    recording.write(keyframe(`k${index}`, index * 500));
    rig.now += 500;
  }
  await recording.end(stopped);
  const { files, seconds } = rig.document(`${folder}/18-30-05_ID1.flv.json`);
  expect(files.length).toBeGreaterThan(15);
  expect(files.slice(0, -1).every((file) => file.seconds >= 1 && file.gaps.length === 0)).toBe(true);
  expect(seconds).toBe(files.reduce((sum, file) => sum + file.seconds * 1000, 0) / 1000);
});

test('a recording of very many files continues as another one, with a JSON and an event', async () => {
  const rig = new RecorderRig({ partBytes: 1 });
  const recording = rig.recorder.openRecording(open);
  recording.write(header(0));
  for (let index = 0; index < 501; index += 1) recording.write(keyframe(`k${index}`, index * 40));
  expect(recording.status()).toMatchObject({ parts: 501 });
  await recording.end(stopped);
  const done = rig.facts.filter((fact) => fact.type === 'recording.done');
  expect(done.map(({ parts }) => parts).sort()).toEqual([1, 500]);
  expect(new Set(done.map(({ recording: id }) => id)).size).toBe(2);
  const first = rig.document(`${folder}/18-30-05_ID1.flv.json`);
  expect(first).toMatchObject({ state: 'done', code: 'continued' });
  expect(rig.document(`${folder}/18-30-05_ID1-2.flv.json`)).toMatchObject({ state: 'done', code: 'stopped' });
  expect(rig.files).toHaveLength(503);
});
