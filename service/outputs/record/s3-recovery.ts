import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../logging/logger';
import { isPermanentFault, type S3Bucket } from '../s3/s3-bucket';
import { BytesSource, FileSource, findCompleteEnd } from './complete-end';
import { documentName, fileName, stemForAttempt } from './file-names';
import { KILLED } from './killed';
import { RecordingDocument, sumUp } from './recording-document';
import { recordingFact, type TellRecording } from './recording-fact';
import {
  CLAIM_NAME,
  decodeTail,
  documentKey,
  JOURNAL_NAME,
  JSON_TYPE,
  reservationOf,
  type S3Journal,
  type Tail,
  TYPES,
  type UploadState,
} from './s3-layout';
import { readSegmentName } from './segments';

/** A piece of a file that is not part of its upload yet; pieces come in order, without a hole. */
interface Piece {
  readonly bytes: number;
  read(): Promise<Buffer>;
}

/** A file that is not complete: how far its upload has come, and what follows. */
interface LeftFile {
  readonly state: UploadState;
  readonly pieces: readonly Piece[];
  /** Length by the stream's clock, if it is longer than the document says. */
  readonly seconds: number;
}

export interface S3RecoveryOptions {
  readonly bucket: S3Bucket;
  /** Key of this recording's unfinished objects, ending in a slash. */
  readonly unfinished: string;
  /** In claims; another one in each program. */
  readonly owner: string;
  readonly tell: TellRecording;
  readonly log: Logger;
  /** Another program has claimed the recording and is dead, too. */
  readonly isClaimStale?: boolean;
}

const CLAIM_TYPE = { contentType: 'text/plain' };

/** Another program is completing the recording. */
export class Claimed extends Error {
  override readonly message = 'another node is completing it';
}

/** The recording is complete, and the node has not heard of it: the next program tells it. */
export class Untold extends Error {
  override readonly message = 'the node has not heard of it';
}

/** Completes what a program on this machine left: the segments on its disk are newer than the objects in the bucket. */
export async function recoverFromDisk(journal: S3Journal, folder: string, options: S3RecoveryOptions): Promise<void> {
  const { bucket, unfinished } = options;
  if (journal.stem === '') await reserve(journal, bucket);
  if (await isSettled(journal, options)) return;
  await claim(options);
  const names = await readdir(folder);
  const files: LeftFile[] = [];
  for (const state of journal.uploads) {
    state.key ||= `${journal.folder}${fileName(journal.stem, state.file, journal.document.format)}`;
    const pieces: Piece[] = [];
    let seconds = 0;
    for (const name of names.sort()) {
      const segment = readSegmentName(name);
      if (segment?.file !== state.file || segment.number <= state.parts) continue;
      const { bytes, ms } = await completeSegment(join(folder, name), segment.number, journal.document.format);
      if (bytes === 0) continue;
      pieces.push({ bytes, read: async () => (await readFile(join(folder, name))).subarray(0, bytes) });
      seconds = Math.max(seconds, (ms ?? 0) / 1000);
    }
    files.push({ state, pieces, seconds });
  }
  await complete(journal, files, options);
  await bucket.remove((await bucket.list(unfinished)).map(({ key }) => key));
}

/** Completes what a program on another machine left in the bucket. */
export async function recoverFromBucket(journal: S3Journal, options: S3RecoveryOptions): Promise<void> {
  const { bucket, unfinished } = options;
  if (await isSettled(journal, options)) return;
  await claim(options);
  const tails: Tail[] = [];
  const objects = await bucket.list(unfinished);
  for (const { key } of objects) {
    if (key.endsWith(`/${JOURNAL_NAME}`) || key.endsWith(`/${CLAIM_NAME}`)) continue;
    const body = await bucket.get(key);
    if (body !== undefined) tails.push(decodeTail(body));
  }
  const numbers = new Set([...journal.uploads.map(({ file }) => file), ...tails.map(({ state }) => state.file)]);
  const files: LeftFile[] = [];
  for (const number of numbers) {
    const own = tails.filter(({ state }) => state.file === number);
    const known = journal.uploads.find(({ file }) => file === number);
    const file = await fromTails(own, known, journal.document.format);
    if (file !== undefined) files.push(file);
  }
  await complete(journal, files, options);
  await bucket.remove(objects.map(({ key }) => key).concat(`${unfinished}${CLAIM_NAME}`));
}

async function completeSegment(path: string, number: number, format: 'flv' | 'mp4') {
  const { size } = await stat(path);
  const file = await open(path);
  try {
    return await findCompleteEnd(new FileSource(file, size), format, 0, number > 1);
  } finally {
    await file.close();
  }
}

async function fromTails(
  tails: readonly Tail[],
  known: UploadState | undefined,
  format: 'flv' | 'mp4',
): Promise<LeftFile | undefined> {
  // Of an upload, the newest state; tails come in the order in which they were stored.
  let state = known;
  for (const tail of tails) if (state === undefined || tail.state.parts >= state.parts) state = tail.state;
  if (state === undefined) return undefined;
  let end = state.bytes;
  const joined: Buffer[] = [];
  for (const { start, bytes } of tails) {
    if (start > end || start + bytes.length <= end) continue;
    joined.push(bytes.subarray(end - start));
    end = start + bytes.length;
  }
  const rest = Buffer.concat(joined);
  const { bytes, ms } = await findCompleteEnd(new BytesSource(rest), format, 0, state.bytes > 0);
  const seconds = ms === undefined ? (tails.at(-1)?.seconds ?? 0) : ms / 1000;
  const pieces = bytes === 0 ? [] : [{ bytes, read: () => Promise.resolve(rest.subarray(0, bytes)) }];
  return { state, pieces, seconds };
}

/** Whether another program has completed the recording. It may have died before it told of it. */
async function isSettled(journal: S3Journal, options: S3RecoveryOptions): Promise<boolean> {
  const { bucket, unfinished, tell } = options;
  const left = async (): Promise<string[]> =>
    (await bucket.list(unfinished)).map(({ key }) => key).filter((key) => !key.endsWith(`/${CLAIM_NAME}`));
  const stored = RecordingDocument.safeParse(parse(await bucket.get(documentKey(journal))));
  if (!stored.success || stored.data.id !== journal.document.id || stored.data.state === 'recording') return false;
  // Who stored it may be about to tell it, and removes the objects then.
  if ((await left()).length > 0) await claim(options);
  const objects = await left();
  // Where no object is left, another program has told it, unless the program that stored it left this journal.
  if ((objects.length > 0 || journal.document.state !== 'recording') && !journal.isTold) {
    const isTold = await tell(recordingFact(stored.data, journal.output, placeOf(journal, bucket)));
    if (!isTold) throw new Untold();
  }
  await bucket.remove([...objects, `${unfinished}${CLAIM_NAME}`]);
  return true;
}

async function claim({ bucket, unfinished, owner, isClaimStale }: S3RecoveryOptions): Promise<void> {
  const key = `${unfinished}${CLAIM_NAME}`;
  if (await bucket.create(key, Buffer.from(owner), CLAIM_TYPE)) return;
  if (String(await bucket.get(key)) === owner) return;
  if (isClaimStale !== true) throw new Claimed();
  await bucket.put(key, Buffer.from(owner), CLAIM_TYPE);
}

async function reserve(journal: S3Journal, bucket: S3Bucket): Promise<void> {
  const { document, folder, wishedStem } = journal;
  for (let attempt = 1; ; attempt += 1) {
    const stem = stemForAttempt(wishedStem, attempt);
    const key = `${folder}${documentName(stem, document.format)}`;
    const text = reservationOf(document);
    const isMine =
      (await bucket.create(key, text, JSON_TYPE)) || ((await bucket.get(key))?.includes(document.id) ?? false);
    if (!isMine) continue;
    journal.stem = stem;
    return;
  }
}

async function complete(journal: S3Journal, files: readonly LeftFile[], options: S3RecoveryOptions): Promise<void> {
  const { bucket, tell, log } = options;
  const { document } = journal;
  if (document.state === 'recording') Object.assign(document, { state: 'done', code: 'killed', reason: KILLED });
  const unfinished = new Map(files.map((file) => [file.state.file, file]));
  const lost = new Set<number>();
  for (const [index, entry] of document.files.entries()) {
    const number = index + 1;
    entry.name ||= fileName(journal.stem, number, document.format);
    const file = unfinished.get(number);
    const state = journal.uploads.find((each) => each.file === number);
    if (file === undefined && state === undefined) continue;
    entry.bytes = file === undefined ? 0 : await completeFile(file, document.format, options);
    if (entry.bytes === 0) lost.add(number);
    entry.seconds = Math.max(entry.seconds, file?.seconds ?? 0);
  }
  document.files = document.files.filter((_, index) => !lost.has(index + 1));
  document.endedAt = document.files.at(-1)?.endedAt ?? document.endedAt;
  sumUp(document);
  if (document.files.length === 0) document.state = 'failed';
  await bucket.put(documentKey(journal), Buffer.from(`${JSON.stringify(document, null, 2)}\n`), JSON_TYPE);
  if (journal.isTold) return;
  const place = placeOf(journal, bucket);
  log.info(`recording ${document.state}: ${document.reason}`, { channel: document.channel, place });
  if (!(await tell(recordingFact(document, journal.output, place)))) throw new Untold();
}

/** @returns the bytes of the file; 0: nothing of it was stored */
async function completeFile(
  { state, pieces }: LeftFile,
  format: 'flv' | 'mp4',
  options: S3RecoveryOptions,
): Promise<number> {
  const { bucket, unfinished, owner } = options;
  const { key, upload, parts: count } = state;
  const present = upload === '' ? undefined : await bucket.parts(key, upload);
  if (present === undefined) {
    const body = Buffer.concat(upload === '' ? await Promise.all(pieces.map((piece) => piece.read())) : []);
    // It may have been completed just before the program was killed, or by an attempt before this one.
    const size = (await bucket.size(key)) ?? 0;
    if (size >= body.length) return size;
    await bucket.put(key, body, TYPES[format]);
    return body.length;
  }
  let number = count;
  let { bytes } = state;
  for (const piece of pieces) {
    try {
      await bucket.uploadPart(key, upload, number + 1, await piece.read(), piece.bytes);
    } catch (error) {
      if (!isPermanentFault(error)) throw error;
      // What S3 has is completed without the rest.
      break;
    }
    number += 1;
    bytes += piece.bytes;
    await bucket.put(`${unfinished}${CLAIM_NAME}`, Buffer.from(owner), CLAIM_TYPE);
  }
  if (number === 0) return 0;
  const parts = pieces.length === 0 ? present : await bucket.parts(key, upload);
  await bucket.completeUpload(key, upload, (parts ?? []).slice(0, number));
  return bytes;
}

/** Of the first file. */
function placeOf({ document, folder, stem }: S3Journal, bucket: S3Bucket): string {
  return `s3://${bucket.name}/${folder}${document.files[0]?.name ?? stem}`;
}

function parse(body: Buffer | undefined): unknown {
  try {
    return body === undefined ? undefined : JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
