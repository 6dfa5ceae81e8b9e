import { open } from 'node:fs/promises';
import type { S3Bucket } from '../s3/s3-bucket';
import { encodeTail, tailName, type UploadState } from './s3-layout';
import type { Segment } from './segments';

const MAX_TAIL_BYTES = 4 * 1024 * 1024;
const TYPE = { contentType: 'application/octet-stream' };

export interface TailUploadsOptions {
  readonly bucket: S3Bucket;
  /** Key of the recording's folder of unfinished objects, ending in a slash. */
  readonly folder: string;
  /** What is on the local disk, in order. */
  readonly segments: () => readonly Segment[];
  readonly state: () => UploadState;
  readonly seconds: () => number;
}

/**
 * Stores what is on the local disk alone as small objects, every few seconds: parts of an upload have 5 MB or more, and
 * the disk of a task on Fargate is gone with the task. Objects whose bytes are part of the upload are removed.
 */
export class TailUploads {
  readonly #options: TailUploadsOptions;
  readonly #stored: { readonly key: string; readonly end: number }[] = [];
  #to = 0;
  #running: Promise<void> | undefined;
  #hasEnded = false;

  constructor(options: TailUploadsOptions) {
    this.#options = options;
  }

  /** Called every few seconds. */
  next(): void {
    if (this.#hasEnded) return;
    this.#running ??= this.#store().finally(() => (this.#running = undefined));
    // What fails is tried again with the next call.
    this.#running.catch(() => undefined);
  }

  /** The file is stored: no more objects. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    await this.#running?.catch(() => undefined);
  }

  async #store(): Promise<void> {
    const { bucket, folder, segments, state, seconds } = this.#options;
    for (;;) {
      const now = { ...state() };
      const [start, length] = [Math.max(this.#to, now.bytes), seconds()];
      const segment = segments().find((each) => each.start <= start && start < each.start + each.bytes);
      if (segment === undefined || this.#hasEnded) return;
      const bytes = await readPiece(segment, start);
      if (bytes === undefined) return;
      const key = `${folder}${tailName(now.file, start)}`;
      await bucket.put(key, encodeTail({ state: now, seconds: length, start, bytes }), TYPE);
      this.#to = start + bytes.length;
      this.#stored.push({ key, end: this.#to });
      await this.#removeUntil(now.bytes);
    }
  }

  async #removeUntil(end: number): Promise<void> {
    let count = 0;
    while (count < this.#stored.length && this.#stored[count]!.end <= end) count += 1;
    if (count === 0) return;
    await this.#options.bucket.remove(this.#stored.slice(0, count).map(({ key }) => key));
    this.#stored.splice(0, count);
  }
}

/** undefined: the segment was uploaded and removed meanwhile. */
async function readPiece(segment: Segment, start: number): Promise<Buffer | undefined> {
  const length = Math.min(MAX_TAIL_BYTES, segment.start + segment.bytes - start);
  try {
    const file = await open(segment.path);
    try {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await file.read(buffer, 0, length, start - segment.start);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
