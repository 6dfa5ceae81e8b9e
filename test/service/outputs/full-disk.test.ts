import { afterAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DirectoryStore } from '../../../service/outputs/hls/directory-store';
import type { Output } from '../../../service/outputs/stream/output';
import { avc } from '../../support/rtmp/media';
import { mediaOfFlv } from '../../support/rtmp/flv-file';
import { MessageMaker } from '../../support/rtmp/stream-messages';
import { SmallDisk } from './full-disk';
import { filesBelow, news, RecorderRig, stopped } from './record/recorder-rig';

const disk = SmallDisk.mount(4);
afterAll(() => disk?.unmount());

const path = 'news/2026/11/29/18-30-05_ID1.flv';
const open = { id: 'record-flv', origin: 'policy', identity: news, format: 'flv' } as const;
const maker = new MessageMaker();

/** Whether the JSON of the recording has its first file. */
function hasBegun(rig: RecorderRig): boolean {
  try {
    return rig.document(`${path}.json`).files.length > 0;
  } catch {
    return false;
  }
}

function isWritten(recording: Output): boolean {
  const status = recording.status();
  return status.kind === 'record' && status.waitingBytes === 0;
}

(disk === undefined ? describe.skip : describe)('on a full disk', () => {
  /** A recording on the disk, which became full while it ran. */
  async function failedRecording(root: string): Promise<RecorderRig> {
    const rig = new RecorderRig({}, join(disk!.path, root));
    const recording = rig.recorder.openRecording(open);
    recording.write(maker.video(avc.sequenceHeader(), 0));
    recording.write(maker.video(avc.keyframe('first'), 0));
    recording.write(maker.video(avc.interFrame('second', 300_000), 40));
    recording.flush();
    while (!hasBegun(rig) || !isWritten(recording)) await new Promise(setImmediate);
    disk!.fill();
    for (let at = 80; at < 2_000; at += 40) recording.write(maker.video(avc.interFrame('more', 100_000), at));
    await recording.end(stopped);
    expect(rig.facts).toMatchObject([{ type: 'recording.failed', reason: expect.stringContaining('ENOSPC') }]);
    return rig;
  }

  test('a recording fails, and its JSON says so as soon as there is room', async () => {
    const rig = await failedRecording('one');
    await rig.recorder.recover();
    disk!.empty();
    await rig.recorder.recover();
    const document = rig.document(`${path}.json`);
    expect(document).toMatchObject({ state: 'failed', code: 'storage', reason: expect.stringContaining('ENOSPC') });
    expect(mediaOfFlv(join(rig.root, path)).length).toBeGreaterThan(1);
    expect(rig.facts).toHaveLength(1);
    await rig.recorder.close();
    expect(filesBelow(join(rig.root, '.unfinished'))).toEqual([]);
    expect(rig.files).toEqual([path, `${path}.json`]);
  });

  test('what its program cannot complete before it ends, the next one completes without another event', async () => {
    const rig = await failedRecording('two');
    await rig.recorder.close();
    const next = new RecorderRig({}, rig.root);
    disk!.empty();
    await next.recorder.recover();
    expect(next.document(`${path}.json`)).toMatchObject({ state: 'failed', code: 'storage' });
    expect(next.facts).toEqual([]);
    await next.recorder.close();
    expect(filesBelow(join(rig.root, '.unfinished'))).toEqual([]);
  });

  test('a recording that finds no room at all leaves no JSON that nobody completes', async () => {
    disk!.fill();
    const rig = new RecorderRig({}, join(disk!.path, 'three'));
    const recording = rig.recorder.openRecording(open);
    recording.write(maker.video(avc.sequenceHeader(), 0));
    recording.write(maker.video(avc.keyframe('first'), 0));
    await recording.end(stopped);
    expect(rig.facts).toMatchObject([{ type: 'recording.failed', files: [] }]);
    await rig.recorder.close();
    expect(filesBelow(rig.root).filter((name) => !name.endsWith('alive'))).toEqual([]);
    disk!.empty();
  });

  test('HLS leaves no temporary files', async () => {
    disk!.fill();
    const store = new DirectoryStore(disk!.path, 'hls');
    for (let number = 0; number < 5; number += 1) {
      await expect(store.write(`${number}.m4s`, randomBytes(200_000))).rejects.toThrow('ENOSPC');
    }
    expect(filesBelow(join(disk!.path, 'hls'))).toEqual([]);
    disk!.empty();
    await store.write('5.m4s', Buffer.alloc(10));
    expect(filesBelow(join(disk!.path, 'hls'))).toEqual(['5.m4s']);
  });
});
