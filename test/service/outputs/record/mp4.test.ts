import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packetsOfFile, sourceFile } from '../../../support/programs/ffmpeg';
import { Program } from '../../../support/programs/program';
import { avc } from '../../../support/rtmp/media';
import { MessageMaker, messagesOfFlv } from '../../../support/rtmp/stream-messages';
import { news, RecorderRig, stopped } from './recorder-rig';

const open = { id: 'record-mp4', origin: 'policy', identity: news, format: 'mp4' } as const;
const path = 'news/2026/11/29/18-30-05_ID1.mp4';

test('a recording as MP4 has every frame, and decodes without a complaint', async () => {
  const rig = new RecorderRig();
  const source = await sourceFile('h264-aac');
  const recording = rig.recorder.openRecording(open);
  // Past 2^32 ticks of 90 kHz, which is some 13 hours, and past 2^32 ms.
  for (const message of messagesOfFlv(source, 2 ** 32 - 1_000)) recording.write(message);
  await recording.end(stopped);

  expect(rig.files).toEqual([path, `${path}.json`]);
  const sent = await packetsOfFile(source);
  const stored = await packetsOfFile(join(rig.root, path));
  expect(stored.video.map(({ md5 }) => md5)).toEqual(sent.video.map(({ md5 }) => md5));
  expect(stored.audio.map(({ md5 }) => md5)).toEqual(sent.audio.map(({ md5 }) => md5));
  expect(rig.document(`${path}.json`).files).toEqual([
    expect.objectContaining({ video: 'avc1', audio: 'mp4a', streamTime: 2 ** 32 - 1_000 }),
  ]);
  const decoder = new Program('ffmpeg', ['-v', 'warning', '-i', join(rig.root, path), '-f', 'null', '-']);
  await decoder.succeeded();
  expect(decoder.output).toBe('');
});

test('a stream of many hours keeps its times: decode times have 64 bits', async () => {
  const rig = new RecorderRig();
  const recording = rig.recorder.openRecording(open);
  const maker = new MessageMaker();
  recording.write(maker.video(avc.sequenceHeader(), 0));
  // Steps below those that count as a jump: 15 hours, which is more than 2^32 / 90000 s.
  const stepMs = 9_000;
  const frames = 6_000;
  for (let index = 0; index < frames; index += 1) recording.write(maker.video(avc.keyframe('k'), index * stepMs));
  await recording.end(stopped);
  const { files } = rig.document(`${path}.json`);
  expect(files).toHaveLength(1);
  const { video } = await packetsOfFile(join(rig.root, path));
  expect(video).toHaveLength(frames);
  expect(video.at(-1)!.dts).toBeGreaterThan(2 ** 32);
});

test('each file of a recording has its own numbers of fragments, and can be played by itself', async () => {
  const rig = new RecorderRig({ partMs: 900 });
  const source = await sourceFile('h264-aac');
  const recording = rig.recorder.openRecording(open);
  for (const message of messagesOfFlv(source)) recording.write(message);
  for (const message of messagesOfFlv(source, 2_000)) recording.write(message);
  await recording.end(stopped);
  const { files } = rig.document(`${path}.json`);
  expect(files.map(({ name, ended }) => [name, ended])).toEqual([
    ['18-30-05_ID1.mp4', 'time'],
    ['18-30-05_ID1.2.mp4', ''],
  ]);
  const frames: string[] = [];
  for (const { name } of files) {
    const file = join(rig.root, 'news/2026/11/29', name);
    const bytes = readFileSync(file);
    const mfhd = bytes.indexOf('mfhd');
    expect(bytes.readUInt32BE(mfhd + 8)).toBe(1);
    const { video } = await packetsOfFile(file);
    frames.push(...video.map(({ md5 }) => md5));
  }
  const sent = (await packetsOfFile(source)).video.map(({ md5 }) => md5);
  expect(frames).toEqual([...sent, ...sent]);
});

test('a stream whose video has no place in MP4 is not recorded, and an event says so', async () => {
  const rig = new RecorderRig();
  const recording = rig.recorder.openRecording(open);
  const maker = new MessageMaker();
  const vp6 = Buffer.from('1400000000', 'hex');
  recording.write(maker.video(vp6, 0));
  recording.write(maker.video(vp6, 40));
  await recording.end(stopped);
  expect(rig.facts).toEqual([
    expect.objectContaining({ type: 'recording.failed', reason: expect.stringMatching(/vp6/i), files: [] }),
  ]);
});

test('it is named by the time of its first keyframe, as FLV is, although a fragment is collected first', async () => {
  const rig = new RecorderRig();
  const recording = rig.recorder.openRecording(open);
  const maker = new MessageMaker();
  recording.write(maker.video(avc.sequenceHeader(), 0));
  for (let index = 0; index < 60; index += 1) {
    recording.write(maker.video(index % 30 === 0 ? avc.keyframe('k') : avc.interFrame('i'), index * 100));
    rig.now += 100;
  }
  await recording.end(stopped);
  expect(rig.files).toEqual([path, `${path}.json`]);
  const [file] = rig.document(`${path}.json`).files;
  expect(Math.abs(file!.driftMs)).toBeLessThanOrEqual(200);
});
