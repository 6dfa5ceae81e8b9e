import { createReadStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { isPermanentFault, type S3Bucket, s3Fault } from '../s3/s3-bucket';
import type { RecordFormat } from '../policy/output-policy';
import type { Retrying } from './retrying';
import { TYPES, type UploadState } from './s3-layout';
import { type Segment, segmentBytes } from './segments';
import type { SpoolBudget } from './spool-budget';

/** Another program has completed the file: it took this one for dead. */
export class Taken extends Error {
  override readonly name = 'Taken';
}

/** The unfinished upload is gone, and there is no file. Named as S3 names it. */
class UploadGone extends Error {
  override readonly name = 'NoSuchUpload';
  override readonly message = 'somebody, or a lifecycle rule of the bucket, has removed the unfinished upload';
}

/** An upload that S3 is completing may be gone before its file is there: the file is looked for this often. */
const LOOKS_FOR_FILE = 20;

export interface FileUploadOptions {
  readonly bucket: S3Bucket;
  readonly file: number;
  readonly format: RecordFormat;
  /** When the name is known. */
  readonly key: Promise<string>;
  readonly retrying: Retrying;
  readonly budget: SpoolBudget;
  /** The state has changed. */
  readonly onProgress: () => void;
  /** S3 will never take the rest of the file: `fault` says why. */
  readonly onFault: () => void;
}

/** Uploads the segments of a file as they come, and removes them; a short file is stored at once when it is complete. */
export class FileUpload {
  readonly state: UploadState;
  /** The file is stored, or as much of it as S3 takes. Rejects with Stopped or Taken. */
  readonly stored: Promise<void>;
  /** Why S3 takes no more of the file; what comes now is removed. */
  fault: string | undefined;
  readonly #options: FileUploadOptions;
  readonly #segments: Segment[] = [];
  #hasEnded = false;
  #wake: (() => void) | undefined;

  constructor(options: FileUploadOptions) {
    this.#options = options;
    this.state = { file: options.file, key: '', upload: '', parts: 0, bytes: 0 };
    this.stored = this.#run();
    this.stored.catch(() => undefined);
  }

  /** Those that are not uploaded. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  add(segment: Segment): void {
    this.#segments.push(segment);
    this.#wake?.();
  }

  /** All segments have been added. */
  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  async #run(): Promise<void> {
    this.state.key = await this.#options.key;
    try {
      await this.#store();
    } catch (error) {
      if (!isPermanentFault(error)) throw error;
      this.fault = s3Fault(error);
      this.#options.onFault();
      await this.#keepParts();
      await this.#discard();
    }
  }

  async #store(): Promise<void> {
    const { onProgress } = this.#options;
    for (;;) {
      const segment = this.#segments[0];
      if (segment === undefined) {
        if (this.#hasEnded) break;
        await this.#change();
      } else if (segment.bytes >= segmentBytes(segment.number)) {
        await this.#part(segment);
        onProgress();
      } else if (!this.#hasEnded) {
        await this.#change();
      } else if (segment.number === 1) {
        await this.#whole(segment);
        return;
      } else {
        await this.#part(segment);
      }
    }
    if (this.state.upload !== '') await this.#complete();
  }

  /** The parts that S3 has become the file. */
  async #keepParts(): Promise<void> {
    const { state } = this;
    try {
      if (state.parts > 0) await this.#complete();
    } catch (error) {
      if (!isPermanentFault(error)) throw error;
      state.parts = 0;
      state.bytes = 0;
    }
  }

  async #discard(): Promise<void> {
    while (this.#segments.length > 0 || !this.#hasEnded) {
      const segment = this.#segments[0];
      if (segment === undefined) await this.#change();
      else await this.#stored(segment);
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  async #whole(segment: Segment): Promise<void> {
    const { bucket, format, retrying } = this.#options;
    const body = await readFile(segment.path);
    await retrying.do(() => bucket.put(this.state.key, body, TYPES[format]));
    await this.#stored(segment);
    this.state.bytes = segment.bytes;
  }

  async #part({ number, path, bytes }: Segment): Promise<void> {
    const { bucket, format, retrying } = this.#options;
    const { state } = this;
    if (state.upload === '') {
      state.upload = await retrying.do(() => bucket.createUpload(state.key, TYPES[format]));
    }
    await retrying.do(
      () => bucket.uploadPart(state.key, state.upload, number, createReadStream(path, { end: bytes - 1 }), bytes),
      (error) => this.#isFinal(error),
    );
    await this.#stored(this.#segments[0]!);
    state.parts = number;
    state.bytes += bytes;
  }

  async #stored(segment: Segment): Promise<void> {
    this.#segments.shift();
    this.#options.budget.remove(segment.bytes);
    await rm(segment.path, { force: true });
  }

  async #complete(): Promise<void> {
    const { bucket, retrying } = this.#options;
    const { key, upload, parts: count } = this.state;
    let hasTried = false;
    let looks = 0;
    await retrying.do(
      async () => {
        const parts = await bucket.parts(key, upload);
        // The answer to an attempt that succeeded may have been lost.
        if (parts === undefined) {
          const isThere = (await bucket.size(key)) !== undefined;
          if (isThere && hasTried) return;
          if (isThere) throw new Taken();
          looks += 1;
          if (hasTried && looks < LOOKS_FOR_FILE) throw new Error('the file is not there yet');
          throw new UploadGone();
        }
        hasTried = true;
        await bucket.completeUpload(key, upload, parts.slice(0, count));
      },
      (error) => Promise.resolve(error instanceof Taken || (isPermanentFault(error) && !(hasTried && isGone(error)))),
    );
  }

  /** After a part was not taken. */
  async #isFinal(error: unknown): Promise<boolean> {
    const { bucket } = this.#options;
    const { key, upload } = this.state;
    try {
      if ((await bucket.parts(key, upload)) !== undefined) return isPermanentFault(error) && !isGone(error);
      if ((await bucket.size(key)) === undefined) throw new UploadGone();
    } catch (fault) {
      if (fault instanceof UploadGone) throw fault;
      return false;
    }
    throw new Taken();
  }
}

function isGone(error: unknown): boolean {
  return !(error instanceof UploadGone) && (Object(error) as { name?: unknown }).name === 'NoSuchUpload';
}
