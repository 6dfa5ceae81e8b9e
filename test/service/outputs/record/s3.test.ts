import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RecordConfig } from '../../../../service/config/output-settings';
import { Recorder } from '../../../../service/outputs/record/recorder';
import { RecordingDocument } from '../../../../service/outputs/record/recording-document';
import type { RecordingFact } from '../../../../service/outputs/record/recording-fact';
import { LARGEST_FILE_BYTES, segmentBytes } from '../../../../service/outputs/record/segments';
import type { S3Journal } from '../../../../service/outputs/record/s3-layout';
import { recoverFromBucket } from '../../../../service/outputs/record/s3-recovery';
import { S3Recordings } from '../../../../service/outputs/record/s3-recordings';
import type { RecordingStatus } from '../../../../service/http/api/schemas/output';
import type { MediaMessage, Output } from '../../../../service/outputs/stream/output';
import { S3Bucket } from '../../../../service/outputs/s3/s3-bucket';
import { Moto, motoPython, sayThatMotoIsMissing } from '../../../checks/moto';
import { MemoryLogger } from '../../../support/memory-logger';
import { packetsOfFile, sourceFile } from '../../../support/programs/ffmpeg';
import { mediaInFlv, mediaOfFlv } from '../../../support/rtmp/flv-file';
import { avc } from '../../../support/rtmp/media';
import { MessageMaker, messagesOfFlv } from '../../../support/rtmp/stream-messages';
import { FaultyS3 } from './faulty-s3';
import { filesBelow, newFolder, news, noon, recordSettings, stopped } from './recorder-rig';

const MB = 1024 * 1024;
const open = { id: 'record-flv', origin: 'policy', identity: news, format: 'flv' } as const;
const file = 'tv/news/2026/11/29/18-30-05_ID1.flv';

test('a file in S3 ends while the upload has room for 400 parts more', () => {
  let bytes = 0;
  for (let number = 1; number <= 9_600; number += 1) bytes += segmentBytes(number);
  expect(bytes).toBeGreaterThan(LARGEST_FILE_BYTES);
});

sayThatMotoIsMissing();
(motoPython === undefined ? describe.skip : describe)('a recording in S3', () => {
  let moto: Moto;
  let s3: FaultyS3;
  let bucket: S3Bucket;
  let source: string;
  let count = 0;

  beforeAll(async () => {
    moto = await Moto.start();
    s3 = await FaultyS3.start(moto.url);
    Object.assign(process.env, moto.environment, { AWS_ENDPOINT_URL: s3.url });
    source = await sourceFile('tiny');
  }, 300_000);

  beforeEach(async () => {
    count += 1;
    s3.mood = 'passes';
    s3.onRequest = () => undefined;
    bucket = new S3Bucket(`films-${count}`);
    await fetch(`${moto.url}/${bucket.name}`, { method: 'PUT' });
  });

  afterEach(() => bucket.close());

  afterAll(async () => {
    await s3.stop();
    await moto.stop();
  });

  /** A program that records into the bucket. */
  class Program {
    readonly facts: RecordingFact[] = [];
    readonly log = new MemoryLogger();
    readonly settings: RecordConfig;
    readonly recorder: Recorder;
    now = noon;
    readonly #tellers: (() => void)[] = [];
    /** Whether the node has what is told. */
    isTold = Promise.resolve(true);

    constructor(changes: Partial<RecordConfig> = {}) {
      const place = { kind: 's3', bucket: bucket.name, prefix: 'tv' } as const;
      this.settings = recordSettings({ place, ...changes });
      const tell = (fact: RecordingFact): Promise<boolean> => {
        this.facts.push(fact);
        this.#tellers.splice(0).forEach((told) => told());
        return this.isTold;
      };
      const { spoolDir, spoolBytes } = this.settings;
      this.recorder = new Recorder({
        ...{ settings: this.settings, tell, log: this.log, now: () => this.now },
        place: new S3Recordings({ place, spoolDir, spoolBytes, tell, log: this.log, deadAfterMs: 0 }),
      });
    }

    async told(): Promise<RecordingFact> {
      while (this.facts.length === 0) await new Promise<void>((resolve) => this.#tellers.push(resolve));
      return this.facts[0]!;
    }
  }

  async function documentOf(path: string): Promise<RecordingDocument> {
    return RecordingDocument.parse(JSON.parse(String(await bucket.get(`${path}.json`))));
  }

  async function keys(): Promise<string[]> {
    return (await bucket.list('')).map(({ key }) => key);
  }

  /** Messages that are larger than one part of an upload. */
  function largeMessages(megabytes: number): MediaMessage[] {
    const maker = new MessageMaker();
    const messages = [maker.video(avc.sequenceHeader(), 0)];
    for (let index = 0; index < megabytes; index += 1) {
      const label = `frame ${index} `;
      messages.push(maker.video(index % 5 === 0 ? avc.keyframe(label, MB) : avc.interFrame(label, MB), index * 40));
    }
    return messages;
  }

  // Of megabytes, comparing digests is fast.
  const digest = ({ payload }: { readonly payload: Buffer }): string => createHash('md5').update(payload).digest('hex');
  const payloads = (messages: readonly MediaMessage[]): string[] => messages.map(digest);
  const stored = async (path = file): Promise<string[]> => mediaInFlv((await bucket.get(path))!).map(digest);

  test('is there bit for bit, with its JSON and one event, and nothing else', async () => {
    const program = new Program();
    const recording = program.recorder.openRecording(open);
    for (const message of messagesOfFlv(source)) recording.write(message);
    await recording.end(stopped);
    expect(await keys()).toEqual([file, `${file}.json`]);
    expect(mediaInFlv((await bucket.get(file))!)).toEqual(mediaOfFlv(source));
    expect(await documentOf(file)).toMatchObject({ state: 'done', bytes: await bucket.size(file) });
    expect(program.facts).toEqual([
      expect.objectContaining({
        type: 'recording.done',
        files: [expect.objectContaining({ place: `s3://${bucket.name}/${file}` })],
      }),
    ]);
    await program.recorder.close();
    expect(filesBelow(program.settings.spoolDir)).toEqual([]);
  });

  test('of which the node did not hear is told by the next program, on this machine or another', async () => {
    const program = new Program();
    program.isTold = Promise.resolve(false);
    const recording = program.recorder.openRecording(open);
    for (const message of messagesOfFlv(source)) recording.write(message);
    await recording.end(stopped);
    await program.recorder.close();
    const [told] = program.facts;
    const { spoolDir } = program.settings;
    const deaf = new Program({ spoolDir });
    deaf.isTold = Promise.resolve(false);
    await deaf.recorder.recover();
    await deaf.recorder.close();
    expect(deaf.facts).toEqual([told]);
    // Of another machine, which has not got the disk.
    const elsewhere = new Program();
    await elsewhere.recorder.recover();
    await elsewhere.recorder.recover();
    await elsewhere.recorder.close();
    expect(elsewhere.facts).toEqual([told]);
    expect(await keys()).toEqual([file, `${file}.json`]);
  });

  test('larger than a part of an upload, with tails, is there bit for bit', async () => {
    const program = new Program();
    const recording = program.recorder.openRecording(open);
    const messages = largeMessages(21);
    const uploaded = s3.seen(/partNumber=1/);
    for (const message of messages) {
      recording.write(message);
      recording.flush();
    }
    program.recorder.keep();
    await uploaded;
    program.recorder.keep();
    await recording.end(stopped);
    expect(await stored()).toEqual(payloads(messages));
    expect(await keys()).toEqual([file, `${file}.json`]);
    await program.recorder.close();
  });

  test('in MP4 plays as it was sent', async () => {
    const program = new Program();
    const recording = program.recorder.openRecording({ ...open, id: 'record-mp4', format: 'mp4' });
    for (const message of messagesOfFlv(source)) recording.write(message);
    await recording.end(stopped);
    const path = join(newFolder(), 'recording.mp4');
    writeFileSync(path, (await bucket.get(file.replace('.flv', '.mp4')))!);
    const sent = await packetsOfFile(source);
    expect((await packetsOfFile(path)).video.map(({ md5 }) => md5)).toEqual(sent.video.map(({ md5 }) => md5));
    await program.recorder.close();
  });

  test('takes another name where its name is taken', async () => {
    const program = new Program();
    const recordings = [1, 2].map(() => program.recorder.openRecording(open));
    for (const recording of recordings) messagesOfFlv(source).forEach((message) => recording.write(message));
    await Promise.all(recordings.map((recording) => recording.end(stopped)));
    const second = file.replace('.flv', '-2.flv');
    expect(await keys()).toEqual([second, `${second}.json`, file, `${file}.json`]);
    await program.recorder.close();
  });

  test.each(['fails', 'slowDown', 'resets'] as const)(
    'is complete after S3 %s for a while',
    async (mood) => {
      const program = new Program();
      const recording = program.recorder.openRecording(open);
      const messages = largeMessages(10);
      // The first two requests of each kind.
      const faults = new Map<string, number>();
      s3.onRequest = (method, url) => {
        const kind = `${method} ${url.replace(/uploadId=[^&]*/, '').replace(/.*\/(?=[^/]*$)/, '')}`;
        const seen = (faults.get(kind) ?? 0) + 1;
        faults.set(kind, seen);
        return seen <= 2 ? mood : undefined;
      };
      for (const message of messages) {
        recording.write(message);
        recording.flush();
      }
      await recording.end(stopped);
      s3.onRequest = () => undefined;
      expect(await stored()).toEqual(payloads(messages));
      expect(program.facts.map(({ type }) => type)).toEqual(['recording.done']);
      await program.recorder.close();
    },
    60_000,
  );

  test('waits on the disk while S3 is away, and is stored when it is back', async () => {
    s3.mood = 'resets';
    const program = new Program();
    const recording = program.recorder.openRecording(open);
    const messages = largeMessages(10);
    const tried = s3.seen(/./);
    for (const message of messages) {
      recording.write(message);
      recording.flush();
    }
    await tried;
    // The request has been answered when the next one comes.
    await s3.seen(/./);
    expect(recording.status()).toMatchObject({ state: 'spooling', reason: expect.stringMatching(/^S3/) });
    s3.mood = 'passes';
    await recording.end(stopped);
    expect(await stored()).toEqual(payloads(messages));
    await program.recorder.close();
  });

  test('ends with a reason when the disk is used up; what was spooled is stored later, without a second event', async () => {
    s3.mood = 'fails';
    const program = new Program({ spoolBytes: 4 * MB });
    const recording = program.recorder.openRecording(open);
    const tried = s3.seen(/./).then(() => s3.seen(/./));
    const messages = largeMessages(3);
    for (const message of messages) recording.write(message);
    recording.flush();
    await tried;
    const more = largeMessages(9).slice(4);
    for (const message of more) {
      recording.write(message);
      recording.flush();
    }
    expect(await program.told()).toMatchObject({
      ...{ type: 'recording.failed', files: [] },
      reason: expect.stringMatching(/InternalError.*4 MB of RECORD_SPOOL_MB are used up/),
    });
    s3.mood = 'passes';
    await recording.end(stopped);
    const kept = await stored();
    expect(kept.length).toBeGreaterThan(messages.length);
    expect(kept).toEqual(payloads([...messages, ...more]).slice(0, kept.length));
    expect(await documentOf(file)).toMatchObject({ state: 'failed', bytes: await bucket.size(file) });
    expect(program.facts).toHaveLength(1);
    await program.recorder.close();
  });

  describe('of which S3 takes no more parts', () => {
    const second = file.replace('.flv', '.2.flv');
    const messages = largeMessages(20);

    /** Small keyframes, until the next file has begun. */
    async function writeUntilNextFile(recording: Output): Promise<MediaMessage[]> {
      const maker = new MessageMaker();
      const sent: MediaMessage[] = [];
      while ((recording.status() as RecordingStatus).parts < 2) {
        const message = maker.video(avc.keyframe(`late ${sent.length} `, 1000), 800 + sent.length);
        sent.push(message);
        recording.write(message);
        await setImmediate();
      }
      return sent;
    }

    function write(recording: Output): void {
      for (const message of messages) {
        recording.write(message);
        recording.flush();
      }
    }

    test('ends that file with the reason, and begins the next one', async () => {
      const program = new Program();
      const recording = program.recorder.openRecording(open);
      s3.onRequest = (_, url) => (/partNumber=(?!1&)/.test(url) ? 'refuses' : undefined);
      write(recording);
      const late = await writeUntilNextFile(recording);
      await recording.end(stopped);
      expect(await keys()).toEqual([second, file, `${file}.json`]);
      const kept = await stored();
      expect(kept.length).toBeGreaterThan(7);
      expect(kept).toEqual(payloads(messages).slice(0, kept.length));
      expect(await stored(second)).toEqual(payloads([messages[0]!, late.at(-1)!]));
      const { state, files } = await documentOf(file);
      expect(state).toBe('done');
      const reason = expect.stringMatching(/InvalidArgument.*HTTP 400/);
      expect(files[0]).toMatchObject({ ended: 'storage', bytes: await bucket.size(file), gaps: [{ reason }] });
      expect(program.facts).toEqual([expect.objectContaining({ type: 'recording.done', gaps: 1, parts: 2 })]);
      await program.recorder.close();
      expect(filesBelow(program.settings.spoolDir)).toEqual([]);
    }, 60_000);

    test('because the upload was removed, begins the next one', async () => {
      const program = new Program();
      const recording = program.recorder.openRecording(open);
      s3.onRequest = (_, url) => (/partNumber=(?!1&)/.test(url) ? 'fails' : undefined);
      const refused = s3.seen(/partNumber=2/);
      write(recording);
      await refused;
      const upload = /uploadId=([^&]*)/.exec(s3.requests.at(-1)!)![1]!;
      await bucket.abortUpload(file, decodeURIComponent(upload));
      await writeUntilNextFile(recording);
      await recording.end(stopped);
      expect(await keys()).toEqual([second, `${file}.json`]);
      const reason = expect.stringMatching(/NoSuchUpload/);
      expect((await documentOf(file)).files[0]).toMatchObject({ bytes: 0, seconds: 0, gaps: [{ at: 0, reason }] });
      const place = `s3://${bucket.name}/${second}`;
      expect(program.facts).toEqual([
        expect.objectContaining({ type: 'recording.done', files: [expect.objectContaining({ place })] }),
      ]);
      await program.recorder.close();
    }, 60_000);

    test('not even the first one, fails with the reason', async () => {
      const program = new Program();
      const recording = program.recorder.openRecording(open);
      s3.onRequest = (_, url) => (url.includes('partNumber=') ? 'refuses' : undefined);
      write(recording);
      const reason = expect.stringMatching(/InvalidArgument/);
      expect(await program.told()).toMatchObject({ type: 'recording.failed', reason });
      await recording.end(stopped);
      expect(await documentOf(file)).toMatchObject({ state: 'failed', reason });
      await program.recorder.close();
    }, 60_000);

    test('after a crash: what is left on this disk is completed without the rest', async () => {
      const first = new Program();
      const recording = first.recorder.openRecording(open);
      s3.onRequest = (_, url) => (/partNumber=(?!1&)/.test(url) ? 'fails' : undefined);
      const refused = s3.seen(/partNumber=2/);
      write(recording);
      await refused;
      await first.recorder.close();
      s3.onRequest = (_, url) => (/partNumber=(?!1&)/.test(url) ? 'refuses' : undefined);
      const next = new Program({ spoolDir: first.settings.spoolDir });
      await next.recorder.recover();
      const kept = await stored();
      expect(kept).toEqual(payloads(messages).slice(0, kept.length));
      expect(next.facts.map(({ type }) => type)).toEqual(['recording.done']);
      await next.recorder.close();
    }, 60_000);
  });

  test('goes into another file after 24 hours', async () => {
    const program = new Program();
    const recording = program.recorder.openRecording(open);
    const [header, first, ...others] = largeMessages(6);
    for (const message of [header!, first!]) recording.write(message);
    program.now += 24 * 3_600_000;
    program.recorder.keep();
    for (const message of others) recording.write(message);
    await recording.end(stopped);
    expect((await documentOf(file)).files.map(({ ended }) => ended)).toEqual(['time', '']);
    await program.recorder.close();
  });

  test('that was left on this disk is completed by the next program, with one event', async () => {
    s3.mood = 'fails';
    const first = new Program();
    const recording = first.recorder.openRecording(open);
    const messages = largeMessages(10);
    for (const message of messages) {
      recording.write(message);
      recording.flush();
    }
    const ended = recording.end(stopped);
    await s3.seen(/./);
    // The time to end is over, and S3 is still away.
    await first.recorder.close();
    await ended;
    expect(first.facts).toEqual([]);

    s3.mood = 'passes';
    const second = new Program({ spoolDir: first.settings.spoolDir });
    await second.recorder.recover();
    expect(second.log.lines.filter((line) => line.startsWith('warning'))).toEqual([]);
    expect(await stored()).toEqual(payloads(messages));
    expect(second.facts).toEqual([
      expect.objectContaining({ type: 'recording.done', reason: stopped.reason, parts: 1 }),
    ]);
    expect(await keys()).toEqual([file, `${file}.json`]);
    await second.recorder.recover();
    expect(second.facts).toHaveLength(1);
    await second.recorder.close();
    expect(filesBelow(first.settings.spoolDir)).toEqual([]);
  });

  /** What a program leaves in the bucket whose disk is gone; gives what it had recorded. */
  async function leaveRecording(): Promise<MediaMessage[]> {
    const dead = new Program();
    const recording = dead.recorder.openRecording(open);
    const messages = largeMessages(10);
    const uploaded = s3.seen(/partNumber=1/);
    for (const message of messages) {
      recording.write(message);
      recording.flush();
    }
    await uploaded;
    // The end of the file, and the journal.
    while (!(await keys()).some((key) => /\/\d{5}-\d{14}$/.test(key))) dead.recorder.keep();
    while (!(await keys()).some((key) => key.endsWith('/journal'))) dead.recorder.keep();
    await dead.recorder.close();
    return messages;
  }

  test('whose disk is gone is completed by another node from what the bucket has, with one event', async () => {
    const messages = await leaveRecording();
    const others = [new Program(), new Program()];
    // Seen once, and the same a second time.
    for (const other of others) await other.recorder.recover();
    await Promise.all(others.map((other) => other.recorder.recover()));
    const facts = others.flatMap((other) => other.facts);
    expect(facts).toEqual([expect.objectContaining({ type: 'recording.done', reason: 'the program was killed' })]);
    const kept = await stored();
    expect(kept.length).toBeGreaterThan(8);
    expect(kept).toEqual(payloads(messages).slice(0, kept.length));
    expect(await documentOf(file)).toMatchObject({ state: 'done', code: 'killed', bytes: await bucket.size(file) });
    expect(await keys()).toEqual([file, `${file}.json`]);
    for (const other of others) await other.recorder.close();
  });

  test('that another node has completed and is about to tell is not told twice', async () => {
    await leaveRecording();
    const journalKey = (await keys()).find((key) => key.endsWith('/journal'))!;
    const journal = JSON.parse(String(await bucket.get(journalKey))) as S3Journal;
    const first = new Program();
    let confirm!: (isTold: boolean) => void;
    first.isTold = new Promise((resolve) => (confirm = resolve));
    await first.recorder.recover();
    const recovered = first.recorder.recover();
    await first.told();
    const facts: RecordingFact[] = [];
    const second = {
      ...{ bucket, unfinished: journalKey.slice(0, -'journal'.length), owner: 'second', log: new MemoryLogger() },
      tell: (fact: RecordingFact) => Promise.resolve(facts.push(fact) > 0),
    };
    await expect(recoverFromBucket(journal, second)).rejects.toThrow('another node is completing it');
    confirm(true);
    await recovered;
    await recoverFromBucket(journal, second);
    expect(facts).toEqual([]);
    expect(first.facts).toHaveLength(1);
    expect(await keys()).toEqual([file, `${file}.json`]);
    await first.recorder.close();
  });

  test('of 45 streams that end at once, every one is complete', async () => {
    const program = new Program();
    const recordings = Array.from({ length: 45 }, (_, index) =>
      program.recorder.openRecording({ ...open, identity: { ...news, channel: `news-${index}` } }),
    );
    const messages = messagesOfFlv(source);
    for (const recording of recordings) messages.forEach((message) => recording.write(message));
    await Promise.all(recordings.map((recording) => recording.end(stopped)));
    expect(program.facts.map(({ type }) => type)).toEqual(Array(45).fill('recording.done'));
    const sent = payloads(messages);
    for (let index = 0; index < 45; index += 1) {
      expect(await stored(file.replace('news', `news-${index}`))).toEqual(sent);
    }
    await program.recorder.close();
  }, 120_000);
});
