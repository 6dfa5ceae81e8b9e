import type { S3Bucket } from '../s3/s3-bucket';
import { contentTypeOf, type FileKind, folderOf, type HlsStore } from './place';

/**
 * How long CloudFront and browsers may keep a copy. Names of segments are never used twice. A playlist changes with
 * every segment: within this second, an edge answers everybody with one request to S3.
 */
const CACHE_CONTROL: Readonly<Record<FileKind, string>> = {
  playlist: 'public, max-age=1',
  init: 'public, max-age=31536000, immutable',
  segment: 'public, max-age=31536000, immutable',
};

/** Files of a channel in a bucket. */
export class S3Store implements HlsStore {
  readonly place: string;
  readonly #bucket: S3Bucket;
  readonly #folder: string;

  /** @param prefix without a slash at its end; empty: the bucket itself */
  constructor(bucket: S3Bucket, prefix: string, channel: string) {
    this.#bucket = bucket;
    this.#folder = `${prefix === '' ? '' : `${prefix}/`}${folderOf(channel)}/`;
    this.place = `s3://${bucket.name}/${this.#folder}`;
  }

  read(name: string): Promise<Buffer | undefined> {
    return this.#bucket.get(this.#folder + name);
  }

  write(name: string, bytes: Buffer, kind: FileKind): Promise<void> {
    const options = { contentType: contentTypeOf(name), cacheControl: CACHE_CONTROL[kind] };
    return this.#bucket.put(this.#folder + name, bytes, options);
  }

  remove(names: readonly string[]): Promise<void> {
    return this.#bucket.remove(names.map((name) => this.#folder + name));
  }
}
