import { type S3Bucket, s3Fault } from '../s3/s3-bucket';
import { documentName, fileName, stemForAttempt } from './file-names';
import { FileUpload, Taken } from './file-upload';
import type { Journals } from './journals';
import type { RecordedFile, RecordingDocument } from './recording-document';
import { type Retrying, Stopped } from './retrying';
import { JOURNAL_NAME, JSON_TYPE, reservationOf, type S3Journal, type UploadState } from './s3-layout';
import type { StorageOptions } from './recordings-place';
import { SpoolFile } from './spool-file';
import type { SpoolBudget } from './spool-budget';
import type { Outcome, RecordingStorage } from './storage';
import { storageFault } from './storage-fault';
import { TailUploads } from './tail-uploads';

/** The journal in the bucket is renewed at least this often (ms): others take the recording when it no longer changes. */
const BEAT_MS = 20_000;
const TAKEN = 'another node has completed the recording, because this one could not reach S3 for minutes';

export interface S3StorageOptions {
  readonly document: RecordingDocument;
  readonly output: string;
  readonly onFault: (reason: string) => void;
  readonly onFileFault: StorageOptions['onFileFault'];
  readonly bucket: S3Bucket;
  /** Key of the folder of the files, ending in a slash. */
  readonly folder: string;
  readonly stem: string;
  /** Key of this recording's unfinished objects, ending in a slash. */
  readonly unfinished: string;
  readonly journals: Journals;
  readonly budget: SpoolBudget;
  readonly retrying: Retrying;
  /** Nothing is left to be done for the recording. */
  readonly onForgotten: () => void;
}

interface RunningFile {
  readonly spool: SpoolFile;
  readonly upload: FileUpload;
  readonly tails: TailUploads;
}

/** Files in S3. All bytes go through segments on the local disk; those that S3 has are removed. */
export class S3Storage implements RecordingStorage {
  readonly #options: S3StorageOptions;
  readonly #local: Promise<string>;
  readonly #stem: Promise<string>;
  #knownStem = '';
  readonly #files = new Map<number, RunningFile>();
  /** Files of which S3 has nothing. */
  readonly #lost = new Set<number>();
  #number = 0;
  #fault = '';
  #isTaken = false;
  #isLeft = false;
  #isTold = false;
  #beatAt = 0;
  #saving: Promise<unknown> = Promise.resolve();

  constructor(options: S3StorageOptions) {
    this.#options = options;
    const { journals, document } = options;
    this.#local = journals.create(document.id).then(() => journals.folder(document.id));
    this.#local.catch((error: unknown) => this.#fail(storageFault(error, 'the spool')));
    this.#stem = this.#local.then(() => this.#reserve());
    this.#stem.catch(() => undefined);
  }

  get place(): string {
    const { bucket, folder, stem, document } = this.#options;
    const name = fileName(this.#knownStem || stem, Math.max(1, this.#number), document.format);
    return `s3://${bucket.name}/${folder}${name}`;
  }

  get unwritten(): number {
    return this.#files.get(this.#number)?.spool.unwritten ?? 0;
  }

  get waiting(): number {
    let bytes = 0;
    for (const { spool, upload } of this.#files.values()) {
      for (const segment of upload.segments) bytes += segment.bytes;
      bytes += spool.present.bytes + spool.unwritten;
    }
    return bytes;
  }

  get trouble(): string {
    return this.#options.retrying.trouble;
  }

  isStored(number: number): boolean {
    return !this.#files.has(number) && !this.#lost.has(number);
  }

  begin(number: number): void {
    this.#endFile();
    this.#number = number;
    const { document, bucket, retrying, budget, unfinished, folder } = this.#options;
    const { format } = document;
    const entry = document.files[number - 1]!;
    const key = this.#stem.then((stem) => `${folder}${(entry.name = fileName(stem, number, format))}`);
    const upload = new FileUpload({
      ...{ bucket, file: number, format, key, retrying, budget },
      onProgress: () => void this.#saveLocally().catch(() => undefined),
      onFault: () => this.#fileFault(number),
    });
    const spool = new SpoolFile({
      ...{ folder: this.#local, file: number, budget },
      onFault: (error) => this.#fail(storageFault(error, 'the spool')),
      onSegment: (segment) => upload.add(segment),
    });
    const tails = new TailUploads({
      ...{ bucket, folder: unfinished },
      segments: () => [...upload.segments, spool.present],
      state: () => upload.state,
      seconds: () => entry.seconds,
    });
    this.#files.set(number, { spool, upload, tails });
    upload.stored.then(
      () => this.#stored(number),
      (error: unknown) => this.#notStored(error),
    );
    this.keep();
  }

  append(bytes: Buffer): void {
    this.#files.get(this.#number)?.spool.append(bytes);
  }

  write(): void {
    const { budget, retrying } = this.#options;
    this.#files.get(this.#number)?.spool.write();
    if (!budget.isFull) return;
    const megabytes = Math.round(budget.limit / 2 ** 20);
    const why = retrying.trouble === '' ? 'S3 is too slow' : retrying.trouble;
    this.#fail(`${why}; the ${megabytes} MB of RECORD_SPOOL_MB are used up`);
  }

  keep(): void {
    if (this.#isTaken) return;
    this.#saveLocally().catch(() => undefined);
    if (!this.#isLeft) for (const { tails } of this.#files.values()) tails.next();
    if (performance.now() - this.#beatAt >= BEAT_MS || this.#beatAt === 0) this.#beat();
  }

  publish(): void {
    this.#beat();
  }

  async finish(): Promise<Outcome> {
    this.#endFile();
    if (this.#isTaken) return { is: 'taken' };
    if (this.#fault !== '') return this.#leave();
    const last = this.#files.get(this.#number)?.upload;
    try {
      await Promise.all([...this.#files.values()].map(({ upload }) => upload.stored));
      if (last?.fault !== undefined) {
        this.#fault = last.fault;
        return await this.#leave();
      }
      await this.#storeDocument();
      return { is: 'stored' };
    } catch (error) {
      if (error instanceof Stopped) {
        await this.#spooled();
        return { is: 'left' };
      }
      if (error instanceof Taken) return { is: 'taken' };
      this.#fault ||= s3Fault(error);
      return this.#leave();
    }
  }

  async forget(told: Promise<boolean>): Promise<void> {
    const { bucket, unfinished, journals, document, retrying } = this.#options;
    const noted = told.then((isTold) => this.#noteTold(isTold));
    try {
      if (this.#isLeft) await this.#storeLate();
      if (!(await noted)) return;
      if (!this.#isTaken) {
        await retrying.do(async () => bucket.remove((await bucket.list(unfinished)).map(({ key }) => key)));
      }
    } catch (error) {
      // The next program completes it.
      if (error instanceof Stopped) return;
    }
    await journals.remove(document.id).catch(() => undefined);
    this.#options.onForgotten();
  }

  /** The journals say whether the next program has to tell. */
  async #noteTold(isTold: boolean): Promise<boolean> {
    this.#isTold = isTold;
    if (isTold && !this.#isLeft) return true;
    await this.#saveLocally().catch(() => undefined);
    this.#beat();
    await this.#saving.catch(() => undefined);
    return isTold;
  }

  /** Stores what waited on the disk, some time after the event. */
  async #storeLate(): Promise<void> {
    await Promise.all([...this.#files.values()].map(({ upload }) => upload.stored));
    await this.#storeDocument();
  }

  /** The event is told now, and what is on the disk is stored when S3 can be reached. */
  async #leave(): Promise<Outcome> {
    this.#isLeft = true;
    await this.#spooled();
    await this.#saveLocally().catch(() => undefined);
    return { is: 'fault', reason: this.#fault };
  }

  /** All that came is on the local disk. */
  async #spooled(): Promise<void> {
    await Promise.all([...this.#files.values()].map(({ spool }) => spool.end().catch(() => undefined)));
  }

  async #storeDocument(): Promise<void> {
    const { retrying, bucket } = this.#options;
    await this.#saveLocally();
    const stem = await this.#stem;
    await retrying.do(() => bucket.put(this.#documentKey(stem), this.#documentText(), JSON_TYPE));
  }

  #endFile(): void {
    const file = this.#files.get(this.#number);
    if (file === undefined || this.#isLeft) return;
    const { spool, upload } = file;
    void spool.end().then(() => upload.end());
  }

  /** A document that is created only if there is none reserves the name. */
  async #reserve(): Promise<string> {
    const { retrying, bucket, stem, document } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const candidate = stemForAttempt(stem, attempt);
      const key = this.#documentKey(candidate);
      const isMine = await retrying.do(async () => {
        if (await bucket.create(key, reservationOf(document), JSON_TYPE)) return true;
        // The answer to an attempt that succeeded may have been lost.
        return (await bucket.get(key))?.includes(document.id) ?? false;
      });
      if (!isMine) continue;
      this.#knownStem = candidate;
      return candidate;
    }
  }

  /** S3 will never take the rest of a file: if it is the present one, the next one begins. */
  #fileFault(number: number): void {
    const { upload, tails } = this.#files.get(number)!;
    void tails.end();
    const { fault = '', state } = upload;
    // If S3 does not even take a file's first part, it will take no other file.
    if (state.parts === 0) this.#fail(fault);
    else this.#options.onFileFault(fault, number === this.#number);
  }

  async #stored(number: number): Promise<void> {
    const { upload, tails } = this.#files.get(number)!;
    const entry = this.#options.document.files[number - 1]!;
    const { fault, state } = upload;
    if (fault !== undefined) shorten(entry, state.bytes, fault);
    if (fault !== undefined && state.bytes === 0) this.#lost.add(number);
    entry.bytes = state.bytes;
    await tails.end();
    this.#files.delete(number);
    if (number !== this.#number) this.#beat();
  }

  #notStored(error: unknown): void {
    if (error instanceof Stopped) return;
    this.#isTaken = error instanceof Taken;
    this.#fail(this.#isTaken ? TAKEN : s3Fault(error));
  }

  /** Shows other nodes that this program is alive, and what they need to know once it is not. */
  #beat(): void {
    if (this.#isTaken || this.#knownStem === '') return;
    this.#beatAt = performance.now();
    const { bucket, unfinished } = this.#options;
    const text = Buffer.from(JSON.stringify(this.#journal()));
    const beat = (): Promise<void> => bucket.put(`${unfinished}${JOURNAL_NAME}`, text, JSON_TYPE);
    const saved = this.#saving.catch(() => undefined).then(beat);
    this.#saving = saved;
    // The next one comes soon.
    saved.catch(() => (this.#beatAt = 0));
  }

  async #saveLocally(): Promise<void> {
    const { journals, document } = this.#options;
    await this.#local;
    await journals.save(document.id, JSON.stringify(this.#journal()));
  }

  #journal(): S3Journal {
    const { document, output, folder, stem } = this.#options;
    const uploads: UploadState[] = [...this.#files.values()].map(({ upload }) => upload.state);
    return { document, output, folder, stem: this.#knownStem, wishedStem: stem, uploads, isTold: this.#isTold };
  }

  #documentKey(stem: string): string {
    return `${this.#options.folder}${documentName(stem, this.#options.document.format)}`;
  }

  #documentText(): Buffer {
    return Buffer.from(`${JSON.stringify(this.#options.document, null, 2)}\n`);
  }

  #fail(reason: string): void {
    if (this.#fault !== '') return;
    this.#fault = reason;
    this.#options.onFault(reason);
  }
}

/** What S3 did not take is missing at the end of the file. */
function shorten(entry: RecordedFile, bytes: number, reason: string): void {
  const at = entry.bytes === 0 ? 0 : entry.seconds * Math.min(1, bytes / entry.bytes);
  entry.gaps.push({ at, seconds: entry.seconds - at, reason });
  entry.seconds = at;
}
