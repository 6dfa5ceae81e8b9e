import { describe, expect, jest, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mediaOfFlv } from '../../../support/rtmp/flv-file';
import { packetsOfFile, sourceFile } from '../../../support/programs/ffmpeg';
import { DirectoryRecordings } from '../../../../service/outputs/record/directory-recordings';
import { Recorder } from '../../../../service/outputs/record/recorder';
import type { RecordingFact } from '../../../../service/outputs/record/recording-fact';
import { pathName } from '../../../../service/outputs/record/file-names';
import { Journals } from '../../../../service/outputs/record/journals';
import { storageFault } from '../../../../service/outputs/record/storage-fault';
import type { Output } from '../../../../service/outputs/stream/output';
import { avc } from '../../../support/rtmp/media';
import { MessageMaker, messagesOfFlv } from '../../../support/rtmp/stream-messages';
import { filesBelow, news, noon, recordSettings, RecorderRig, stopped } from './recorder-rig';

const folder = 'news/2026/11/29';
const open = { id: 'record-flv', origin: 'policy', identity: news, format: 'flv' } as const;

describe('a recording in a directory', () => {
  test('has every message bit for bit, a JSON beside it, and one event', async () => {
    const rig = new RecorderRig();
    const source = await sourceFile('h264-aac');
    const recording = rig.recorder.openRecording(open);
    for (const message of messagesOfFlv(source, 40_000)) recording.write(message);
    recording.flush();
    rig.now = noon + 2_000;
    await recording.end(stopped);

    const file = `${folder}/18-30-05_ID1.flv`;
    expect(rig.files).toEqual([file, `${file}.json`]);
    const sent = mediaOfFlv(source);
    expect(mediaOfFlv(join(rig.root, file))).toEqual(sent);
    expect(await packetsOfFile(join(rig.root, file))).toEqual(await packetsOfFile(source));
    const document = rig.document(`${file}.json`);
    expect(document).toMatchObject({
      ...{ state: 'done', code: 'stopped', channel: 'news', streamId: 'ID1', format: 'flv' },
      ...{ startedAt: '2026-11-29T18:30:05.000Z', endedAt: '2026-11-29T18:30:07.000Z' },
      files: [{ name: '18-30-05_ID1.flv', video: 'avc1', audio: 'mp4a', streamTime: 40_000, gaps: [], pauses: [] }],
    });
    expect(document.seconds).toBe(Math.max(...sent.map(({ timestamp }) => timestamp)) / 1000);
    expect(rig.facts).toEqual([
      expect.objectContaining({
        ...{ type: 'recording.done', recording: document.id, output: 'record-flv', parts: 1 },
        codecs: ['avc1', 'mp4a'],
        files: [
          {
            ...{ place: join(rig.root, file), startedAt: '2026-11-29T18:30:05.000Z' },
            ...{ seconds: Math.round(document.seconds), bytes: document.bytes },
          },
        ],
      }),
    ]);
    await rig.recorder.close();
    expect(filesBelow(join(rig.root, '.unfinished'))).toEqual([]);
  });

  test('takes another name where its name is taken', async () => {
    const rig = new RecorderRig();
    mkdirSync(join(rig.root, folder), { recursive: true });
    writeFileSync(join(rig.root, folder, '18-30-05_ID1.flv'), 'precious');
    const messages = messagesOfFlv(await sourceFile('tiny'));
    const recordings = [1, 2].map(() => rig.recorder.openRecording(open));
    for (const recording of recordings) messages.forEach((message) => recording.write(message));
    await Promise.all(recordings.map((recording) => recording.end(stopped)));
    expect(rig.files.map((path) => path.slice(folder.length + 1))).toEqual([
      '18-30-05_ID1-2.flv',
      '18-30-05_ID1-2.flv.json',
      '18-30-05_ID1-3.flv',
      '18-30-05_ID1-3.flv.json',
      '18-30-05_ID1.flv',
    ]);
  });

  test('of 45 streams that end at once, every one is complete', async () => {
    const rig = new RecorderRig();
    const source = await sourceFile('tiny');
    const messages = messagesOfFlv(source);
    const recordings = Array.from({ length: 45 }, (_, index) =>
      rig.recorder.openRecording({ ...open, identity: { ...news, channel: `news-${index}` } }),
    );
    for (const message of messages) {
      for (const recording of recordings) {
        recording.write(message);
        recording.flush();
      }
    }
    await Promise.all(recordings.map((recording) => recording.end(stopped)));
    expect(rig.facts.map(({ type }) => type)).toEqual(Array(45).fill('recording.done'));
    const sent = mediaOfFlv(source);
    for (const path of rig.files.filter((name) => name.endsWith('.flv'))) {
      expect(mediaOfFlv(join(rig.root, path))).toEqual(sent);
    }
    expect(rig.files).toHaveLength(90);
  });

  test('that no frame came for leaves nothing and tells nothing', async () => {
    const rig = new RecorderRig();
    const recording = rig.recorder.openRecording(open);
    expect(recording.status()).toMatchObject({ state: 'waiting', parts: 0 });
    await recording.end(stopped);
    expect(rig.files).toEqual([]);
    expect(rig.facts).toEqual([]);
  });

  test('waits for a disk that is slow to create its folder', async () => {
    const rig = new RecorderRig();
    const create = jest.spyOn(Journals.prototype, 'create');
    let isCreated = (): void => undefined;
    const slow = new Promise<void>((resolve) => (isCreated = resolve));
    create.mockImplementationOnce(async function (this: Journals, id: string) {
      await slow;
      await this.create(id);
    });
    const recording = rig.recorder.openRecording(open);
    messagesOfFlv(await sourceFile('tiny')).forEach((message) => recording.write(message));
    rig.recorder.keep();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(recording.status()).toMatchObject({ state: 'recording' });
    isCreated();
    await recording.end(stopped);
    create.mockRestore();
    expect(rig.facts).toMatchObject([{ type: 'recording.done' }]);
  });

  test('says that it may not write, and is over', async () => {
    const rig = new RecorderRig();
    writeFileSync(join(rig.root, 'news'), 'a file where a folder has to be');
    const recording = rig.recorder.openRecording(open);
    messagesOfFlv(await sourceFile('tiny')).forEach((message) => recording.write(message));
    await recording.end(stopped);
    expect(rig.facts).toEqual([
      expect.objectContaining({ type: 'recording.failed', reason: expect.stringMatching(/ENOTDIR|EEXIST/) }),
    ]);
    expect(recording.status()).toMatchObject({ state: 'failed' });
  });

  test('continues in the same file after a pause and a gap, which its JSON has, as it has the drift of clocks', async () => {
    const rig = new RecorderRig();
    const recording = rig.recorder.openRecording(open);
    const messages = messagesOfFlv(await sourceFile('h264-aac'));
    const half = messages.filter(({ timestamp }) => timestamp < 1_000);
    const rest = messages.slice(half.length);
    for (const message of half) recording.write(message);
    const length = Math.max(...half.map(({ timestamp }) => timestamp));
    rig.now += 1_000;
    recording.held();
    rig.now += 20_000;
    recording.resumed();
    recording.gap(400);
    for (const message of rest) recording.write({ ...message, timestamp: message.timestamp + 400 });
    // The publisher's clock is slow: two seconds and more became three.
    rig.now += 2_000;
    await recording.end(stopped);
    const [file = ''] = rig.files;
    expect(rig.files).toHaveLength(2);
    expect(mediaOfFlv(join(rig.root, file))).toHaveLength(messages.length);
    const [entry] = rig.document(`${file}.json`).files;
    expect(entry).toMatchObject({
      pauses: [{ at: length / 1000, seconds: 20, reason: 'no publisher' }],
      gaps: [{ at: length / 1000, seconds: 0.4, reason: 'not received' }],
    });
    expect(entry!.startedAt).toBe('2026-11-29T18:30:05.000Z');
    expect(entry!.endedAt).toBe('2026-11-29T18:30:28.000Z');
    // Neither the pause nor the gap counts as drift.
    expect(Math.abs(entry!.driftMs)).toBeLessThan(1_500);
    expect(rig.facts).toEqual([expect.objectContaining({ type: 'recording.done', gaps: 1, parts: 1 })]);
  });

  test('on a disk that is too slow leaves out frames up to a keyframe, and tells of the gap', async () => {
    const rig = new RecorderRig();
    const recording = rig.recorder.openRecording(open);
    const maker = new MessageMaker();
    recording.write(maker.video(avc.sequenceHeader(), 0));
    // Nothing is written before the loop ends.
    for (let index = 0; index < 40; index += 1) {
      const payload = index === 0 ? avc.keyframe('k', 2 ** 20) : avc.interFrame('i', 2 ** 20);
      recording.write(maker.video(payload, index * 40));
    }
    expect(recording.status()).toMatchObject({ gaps: 0 });
    recording.flush();
    while (recording.status().kind === 'record' && waitingOf(recording) > 0) await new Promise(setImmediate);
    recording.write(maker.video(avc.interFrame('left out'), 1_600));
    recording.write(maker.video(avc.keyframe('again'), 1_640));
    await recording.end(stopped);
    expect(rig.facts).toEqual([
      expect.objectContaining({ type: 'output.gap', kind: 'record', missingMs: 1_640 - 32 * 40 }),
      expect.objectContaining({ type: 'recording.done', gaps: 1 }),
    ]);
    expect(mediaOfFlv(join(rig.root, rig.files[0]!))).toHaveLength(1 + 32 + 1);
  });
});

function waitingOf(recording: Output): number {
  const status = recording.status();
  return status.kind === 'record' ? status.waitingBytes : 0;
}

test.each([
  ['ENOSPC', '/rec: no space left on the disk (ENOSPC)'],
  ['EACCES', '/rec: no permission to write there: the user of the server needs it (EACCES)'],
  ['EWHAT', '/rec: EWHAT: something else'],
])('%s in words', (code, words) => {
  expect(storageFault(Object.assign(new Error(`${code}: something else`), { code }), '/rec')).toBe(words);
});

test.each([
  ['news', 'news'],
  ['', '!'],
  ['a/../b', 'a!2F!2E!2E!2Fb'],
  ['ü', '!C3!BC'],
  ['a!2Fb', 'a!212Fb'],
])('the channel %p is %p in a path', (channel, name) => {
  expect(pathName(channel)).toBe(name);
});

test('long names are cut, and stay different', () => {
  const [one, two] = ['1', '2'].map((end) => pathName('x'.repeat(500) + end));
  expect(one).toHaveLength(100);
  expect(one).not.toBe(two);
});

test('a file ends before the place of recordings can take no more of it', async () => {
  const rig = new RecorderRig();
  const { root, log, facts } = rig;
  const tell = (fact: RecordingFact): Promise<boolean> => Promise.resolve(facts.push(fact) > 0);
  const place = Object.assign(new DirectoryRecordings({ root, tell, log }), { largestBytes: 20_000 });
  const recorder = new Recorder({ settings: recordSettings({}), tell, log, now: () => noon, place });
  const recording = recorder.openRecording(open);
  const source = await sourceFile('h264-aac');
  for (const message of messagesOfFlv(source)) recording.write(message);
  await recording.end(stopped);
  const { files } = rig.document(`${folder}/18-30-05_ID1.flv.json`);
  expect(files.length).toBeGreaterThan(1);
  expect(files.map(({ ended }) => ended)).toEqual([...Array<string>(files.length - 1).fill('size'), '']);
  await recorder.close();
});
