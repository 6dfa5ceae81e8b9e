import type { S3Client } from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import type * as S3Sdk from './s3-sdk';

type Sdk = typeof S3Sdk;

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  /** Changes with each change of the object; only to be compared. */
  readonly version: string;
}

export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
  readonly bytes: number;
}

export interface PutOptions {
  readonly contentType: string;
  readonly cacheControl?: string;
}

const CONNECT_MS = 3_000;
/** A request may take this long (ms), and longer by its bytes at the slowest speed that is of any use. */
const REQUEST_MS = 20_000;
const SLOWEST_BYTES_PER_MS = 100;
const MAX_SOCKETS = 64;
const DELETED_AT_ONCE = 1_000;

/**
 * One bucket. No request is repeated: callers know how long it is worth trying, and what to do meanwhile. Credentials and
 * region come from where the SDK finds them, on ECS the task's role; `AWS_ENDPOINT_URL` leads to other makers' S3.
 */
export class S3Bucket {
  #opened: Promise<{ readonly sdk: Sdk; readonly client: S3Client }> | undefined;

  constructor(readonly name: string) {}

  async put(key: string, body: Buffer, options: PutOptions): Promise<void> {
    await this.#put(key, body, options, undefined);
  }

  /** Stores an object unless there is one; returns whether it did. */
  async create(key: string, body: Buffer, options: PutOptions): Promise<boolean> {
    try {
      await this.#put(key, body, options, '*');
      return true;
    } catch (error) {
      // 409: another request for the same key is under way.
      if ([409, 412].includes(statusOf(error))) return false;
      throw error;
    }
  }

  /** undefined: there is no such object. */
  async get(key: string): Promise<Buffer | undefined> {
    try {
      const { sdk, client, ...limits } = await this.#open(0);
      const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: this.name, Key: key }), limits);
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  /** Bytes of an object; undefined: there is no such object. */
  async size(key: string): Promise<number | undefined> {
    return (await this.look(key))?.bytes;
  }

  /** An object without its contents; undefined: there is no such object. */
  async look(key: string): Promise<StoredObject | undefined> {
    try {
      const { sdk, client, ...limits } = await this.#open(0);
      const head = await client.send(new sdk.HeadObjectCommand({ Bucket: this.name, Key: key }), limits);
      const { ContentLength = 0, LastModified, ETag = '' } = head;
      return { key, bytes: ContentLength, version: `${LastModified?.getTime() ?? 0} ${ETag}` };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  /** All objects whose keys begin so. */
  async list(prefix: string): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    let token: string | undefined;
    do {
      const { sdk, client, ...limits } = await this.#open(0);
      const page = await client.send(
        new sdk.ListObjectsV2Command({ Bucket: this.name, Prefix: prefix, ContinuationToken: token }),
        limits,
      );
      for (const { Key = '', Size = 0, LastModified, ETag = '' } of page.Contents ?? []) {
        found.push({ key: Key, bytes: Size, version: `${LastModified?.getTime() ?? 0} ${ETag}` });
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return found;
  }

  /** Folders whose keys begin so, without the slash at their end: the first thousand, and whether there are more. */
  async folders(prefix: string): Promise<{ readonly keys: string[]; readonly hasMore: boolean }> {
    const { sdk, client, ...limits } = await this.#open(0);
    const page = await client.send(
      new sdk.ListObjectsV2Command({ Bucket: this.name, Prefix: prefix, Delimiter: '/' }),
      limits,
    );
    const keys = (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix.slice(0, -1));
    return { keys, hasMore: page.IsTruncated === true };
  }

  /** Objects that do not exist are no fault. */
  async remove(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += DELETED_AT_ONCE) {
      const { sdk, client, ...limits } = await this.#open(0);
      const Objects = keys.slice(from, from + DELETED_AT_ONCE).map((Key) => ({ Key }));
      const command = new sdk.DeleteObjectsCommand({ Bucket: this.name, Delete: { Objects, Quiet: true } });
      const { Errors = [] } = await client.send(command, limits);
      if (Errors.length > 0) throw new Error(`${Errors[0]!.Code ?? ''}: ${Errors[0]!.Message ?? ''}`);
    }
  }

  async createUpload(key: string, { contentType }: PutOptions): Promise<string> {
    const { sdk, client, ...limits } = await this.#open(0);
    const command = new sdk.CreateMultipartUploadCommand({ Bucket: this.name, Key: key, ContentType: contentType });
    const { UploadId } = await client.send(command, limits);
    if (UploadId === undefined) throw new Error('S3 gave no id for the upload');
    return UploadId;
  }

  /** @param body exactly `bytes` bytes */
  async uploadPart(key: string, upload: string, number: number, body: Buffer | Readable, bytes: number): Promise<void> {
    const { sdk, client, ...limits } = await this.#open(bytes);
    const command = new sdk.UploadPartCommand({
      ...{ Bucket: this.name, Key: key, UploadId: upload, PartNumber: number, Body: body, ContentLength: bytes },
    });
    await client.send(command, limits);
  }

  /** The parts of an unfinished upload; undefined: there is no such upload, or it is finished. */
  async parts(key: string, upload: string): Promise<UploadedPart[] | undefined> {
    const found: UploadedPart[] = [];
    let marker: string | undefined;
    try {
      for (;;) {
        const { sdk, client, ...limits } = await this.#open(0);
        const page = await client.send(
          new sdk.ListPartsCommand({ Bucket: this.name, Key: key, UploadId: upload, PartNumberMarker: marker }),
          limits,
        );
        for (const { PartNumber = 0, ETag = '', Size = 0 } of page.Parts ?? []) {
          found.push({ number: PartNumber, etag: ETag, bytes: Size });
        }
        if (page.IsTruncated !== true || page.NextPartNumberMarker === undefined) return found;
        marker = page.NextPartNumberMarker;
      }
    } catch (error) {
      if (isNoSuchUpload(error)) return undefined;
      throw error;
    }
  }

  async completeUpload(key: string, upload: string, parts: readonly UploadedPart[]): Promise<void> {
    const { sdk, client, ...limits } = await this.#open(0);
    const Parts = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }));
    const command = new sdk.CompleteMultipartUploadCommand({
      ...{ Bucket: this.name, Key: key, UploadId: upload, MultipartUpload: { Parts } },
    });
    await client.send(command, limits);
  }

  async abortUpload(key: string, upload: string): Promise<void> {
    const { sdk, client, ...limits } = await this.#open(0);
    const command = new sdk.AbortMultipartUploadCommand({ Bucket: this.name, Key: key, UploadId: upload });
    await client.send(command, limits);
  }

  /** Breaks off what is under way. */
  close(): void {
    this.#opened?.then(
      ({ client }) => client.destroy(),
      () => undefined,
    );
    this.#opened = undefined;
  }

  async #put(key: string, body: Buffer, options: PutOptions, IfNoneMatch: '*' | undefined): Promise<void> {
    const { sdk, client, ...limits } = await this.#open(body.length);
    const { contentType, cacheControl } = options;
    const command = new sdk.PutObjectCommand({
      ...{ Bucket: this.name, Key: key, Body: body, ContentType: contentType, CacheControl: cacheControl, IfNoneMatch },
    });
    await client.send(command, limits);
  }

  async #open(bytes: number) {
    this.#opened ??= openClient().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    const abortSignal = AbortSignal.timeout(REQUEST_MS + Math.round(bytes / SLOWEST_BYTES_PER_MS));
    return { ...(await this.#opened), abortSignal };
  }
}

async function openClient() {
  const sdk = await import('./s3-sdk');
  const endpoint = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
  const client = new sdk.S3Client({
    maxAttempts: 1,
    // Callers report what fails.
    logger: { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore },
    // Names of buckets are part of the host name at AWS only.
    forcePathStyle: endpoint !== undefined,
    // Other makers' S3 does not know the newest checksums; TLS guards the bytes on their way.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_MS, httpsAgent: { maxSockets: MAX_SOCKETS } },
  });
  return { sdk, client };
}

function ignore(): void {}

function statusOf(error: unknown): number {
  const { $metadata } = Object(error) as { $metadata?: { httpStatusCode?: number } };
  return $metadata?.httpStatusCode ?? 0;
}

/** The upload was completed or aborted, by this program or by another one. */
function isNoSuchUpload(error: unknown): boolean {
  return (Object(error) as { name?: unknown }).name === 'NoSuchUpload';
}

/** S3 says that a request is wrong; the same request will always be. Rights, lack of a bucket or of time can be mended. */
const PERMANENT: ReadonlySet<unknown> = new Set([
  'EntityTooLarge',
  'EntityTooSmall',
  'InvalidArgument',
  'InvalidPart',
  'InvalidPartOrder',
  'InvalidRequest',
  'KeyTooLongError',
  'MalformedXML',
  'NoSuchUpload',
]);

/** Whether no repetition mends a fault. */
export function isPermanentFault(error: unknown): boolean {
  return PERMANENT.has((Object(error) as { name?: unknown }).name);
}

/** Why S3 did not do it, for operators. */
export function s3Fault(error: unknown): string {
  const { name, message, code } = Object(error) as { name?: string; message?: string; code?: string };
  const text = message === '' || message === undefined ? code : message;
  // The SDK calls every fault of a connection a time-out.
  const isConnection = name === 'TimeoutError' && /E[A-Z]{4,}/.test(text ?? '');
  if (!isConnection && (name === 'TimeoutError' || name === 'AbortError')) return 'S3 does not answer in time';
  const status = statusOf(error);
  const words = [name === 'Error' || isConnection ? undefined : name, text];
  const all = words.filter((word) => word !== undefined).join(': ');
  return `S3: ${all === '' ? 'unknown error' : all}${status === 0 ? '' : ` (HTTP ${status})`}`;
}
