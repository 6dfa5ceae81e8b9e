import { expect, test } from '@jest/globals';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packetsOfFile, sourceFile } from '../../../support/programs/ffmpeg';
import { RunningProgram } from '../../../support/programs/running-program';
import { mediaOfFlv } from '../../../support/rtmp/flv-file';
import { messagesOfFlv } from '../../../support/rtmp/stream-messages';
import { filesBelow, news, RecorderRig, stopped } from './recorder-rig';

const path = 'news/2026/11/29/18-30-05_ID1.flv';
const open = { id: 'record-flv', origin: 'policy', identity: news, format: 'flv' } as const;

test('a recording whose program is killed lacks ten seconds at most, and the next program completes it', async () => {
  const rig = new RecorderRig();
  const source = await sourceFile('h264-aac');
  const child = join(__dirname, 'record-child.ts');
  const program = new RunningProgram(process.execPath, ['--import', 'tsx', child, rig.root, source, '2000']);
  await program.waitForOutput(/sent 1[4-9]\d\d\d/, 60_000);
  const sent = Number(/sent (\d+)\n*$/.exec(program.output)![1]) / 1000;
  process.kill(program.pid, 'SIGKILL');
  await program.exited;

  await rig.recorder.recover();
  const [file = '', json = ''] = rig.files;
  expect(rig.files).toHaveLength(2);
  const document = rig.document(json);
  expect(document).toMatchObject({ state: 'done', code: 'killed', reason: 'the program was killed' });
  expect(document.seconds).toBeGreaterThan(sent - 10);
  expect(rig.facts).toEqual([expect.objectContaining({ type: 'recording.done', recording: document.id })]);
  const { video } = await packetsOfFile(join(rig.root, file));
  expect(video.length).toBeGreaterThan((sent - 10) * 25);
  expect(mediaOfFlv(join(rig.root, file)).length).toBeGreaterThan(video.length);

  // Once, whatever happens later.
  await rig.recorder.recover();
  await new RecorderRig({}, rig.root).recorder.recover();
  expect(rig.facts).toHaveLength(1);
}, 120_000);

/** As a killed program leaves it: the journal of a recording, with an owner that is not there. */
async function leftRecording(format: 'flv' | 'mp4'): Promise<{ rig: RecorderRig; file: string }> {
  const rig = new RecorderRig();
  const recording = rig.recorder.openRecording({ ...open, format });
  for (const message of messagesOfFlv(await sourceFile('h264-aac'))) recording.write(message);
  rig.recorder.keep();
  const unfinished = join(rig.root, '.unfinished');
  await recording.end(stopped);
  const document = { ...rig.document(path.replace('flv', format) + '.json'), state: 'recording', code: '', reason: '' };
  const [host = ''] = (readdirSync(unfinished)[0] ?? '').split('.');
  // No process has an id as high.
  const left = join(unfinished, `${host}.99999999.dead`, document.id);
  mkdirSync(left, { recursive: true });
  const journal = { document, output: 'record', folder: 'news/2026/11/29', stem: '18-30-05_ID1' };
  writeFileSync(join(left, 'journal.json'), JSON.stringify(journal));
  rig.facts.length = 0;
  return { rig, file: join(rig.root, path.replace('flv', format)) };
}

test.each(['flv', 'mp4'] as const)('%s: what is torn at the end is cut off', async (format) => {
  const { rig, file } = await leftRecording(format);
  const whole = await packetsOfFile(file);
  truncateSync(file, readFileSync(file).length - 100);
  await rig.recorder.recover();
  expect(rig.facts).toEqual([expect.objectContaining({ type: 'recording.done', bytes: readFileSync(file).length })]);
  const left = await packetsOfFile(file);
  expect(left.video.length).toBeGreaterThan(0);
  expect(left.video).toEqual(whole.video.slice(0, left.video.length));
  if (format === 'flv') expect(mediaOfFlv(file).length).toBeGreaterThan(0);
});

test('what came after the journal was written is kept, and what is no message is not', async () => {
  const { rig, file } = await leftRecording('flv');
  const bytes = readFileSync(file);
  const tag = bytes.subarray(bytes.length - bytes.readUInt32BE(bytes.length - 4) - 4);
  const later = Buffer.from(tag);
  later.writeUIntBE(60_000, 4, 3);
  appendFileSync(file, Buffer.concat([later, Buffer.alloc(500)]));
  await rig.recorder.recover();
  expect(rig.document(`${path}.json`)).toMatchObject({ seconds: 60, bytes: bytes.length + later.length });
  expect(readFileSync(file)).toHaveLength(bytes.length + later.length);
});

test('an event that the node did not get is told by the next program, under the same id, until the node has it', async () => {
  const rig = new RecorderRig();
  rig.told = Promise.resolve(false);
  const recording = rig.recorder.openRecording(open);
  for (const message of messagesOfFlv(await sourceFile('tiny'))) recording.write(message);
  await recording.end(stopped);
  await rig.recorder.close();
  const [told] = rig.facts;
  expect(told).toMatchObject({ type: 'recording.done', reason: stopped.reason });

  const deaf = new RecorderRig({}, rig.root);
  deaf.told = Promise.resolve(false);
  await deaf.recorder.recover();
  await deaf.recorder.close();
  const next = new RecorderRig({}, rig.root);
  await next.recorder.recover();
  expect([...deaf.facts, ...next.facts]).toEqual([told, told]);
  await next.recorder.recover();
  await next.recorder.close();
  expect(next.facts).toHaveLength(1);
  expect(filesBelow(join(rig.root, '.unfinished'))).toEqual([]);
});

test('a recording of a program that is alive is left alone, whoever shares the folder', async () => {
  const { rig } = await leftRecording('flv');
  const unfinished = join(rig.root, '.unfinished');
  const dead = readdirSync(unfinished).find((name) => name.endsWith('.dead')) ?? '';
  const alive = join(unfinished, dead.replace('99999999.dead', `${process.ppid}.alive`));
  renameSync(join(unfinished, dead), alive);
  writeFileSync(join(alive, 'alive'), '');
  await rig.recorder.recover();
  expect(rig.facts).toEqual([]);
});
