import { z } from 'zod';
import type { S3Place } from '../../config/output-settings';
import { documentName } from './file-names';
import { RecordingDocument } from './recording-document';

/** How far the upload of a file has come. */
export const UploadState = z.object({
  /** Number of the file within its recording. */
  file: z.int().positive(),
  key: z.string(),
  /** Id of the multipart upload; empty: none has begun. */
  upload: z.string(),
  /** How many parts are stored, and how many bytes of the file they contain. */
  parts: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
});

/** What is needed to complete a recording in S3: kept on the local disk, and as an object for other nodes. */
export const S3Journal = z.object({
  document: RecordingDocument,
  /** Id of the output, for the event. */
  output: z.string(),
  /** Key of the folder, ending in a slash. */
  folder: z.string(),
  /** Empty: no name is reserved yet. */
  stem: z.string(),
  /** The stem that the name is made of. */
  wishedStem: z.string(),
  /** Files that are not complete. */
  uploads: z.array(UploadState),
  /** The event has been told. */
  isTold: z.boolean(),
});

export type UploadState = z.infer<typeof UploadState>;
export type S3Journal = z.infer<typeof S3Journal>;

export const JSON_TYPE = { contentType: 'application/json' };
export const TYPES = { flv: { contentType: 'video/x-flv' }, mp4: { contentType: 'video/mp4' } };

/** The prefix of all keys: empty, or ending in a slash. */
export function rootOf({ prefix }: S3Place): string {
  return prefix === '' ? '' : `${prefix}/`;
}

/** Where the objects are that outlive a killed program; each recording has a folder there. */
export function unfinishedRoot(place: S3Place): string {
  return `${rootOf(place)}.unfinished/`;
}

export const JOURNAL_NAME = 'journal';
export const CLAIM_NAME = 'claim';

export function documentKey({ folder, stem, document }: S3Journal): string {
  return `${folder}${documentName(stem, document.format)}`;
}

/** The JSON that reserves the name. Files are stored later: until then, none may take it for the JSON of a stored recording. */
export function reservationOf(document: RecordingDocument): Buffer {
  return Buffer.from(`${JSON.stringify({ ...document, state: 'recording' }, null, 2)}\n`);
}

/** The end of a file that is not part of its upload yet: an object contains some of its bytes, and the state then. */
export interface Tail {
  readonly state: UploadState;
  /** Length of the file by the stream's clock, at the end of these bytes. */
  readonly seconds: number;
  readonly start: number;
  readonly bytes: Buffer;
}

const TailHead = z.object({ state: UploadState, seconds: z.number(), start: z.int().nonnegative() });
const LENGTH_BYTES = 4;

/** Sorts by file, then by position. */
export function tailName(file: number, start: number): string {
  return `${String(file).padStart(5, '0')}-${String(start).padStart(14, '0')}`;
}

export function encodeTail({ bytes, ...head }: Tail): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, bytes]);
}

/** @throws Error if it is no tail */
export function decodeTail(body: Buffer): Tail {
  const end = LENGTH_BYTES + body.readUInt32BE(0);
  const head = TailHead.parse(JSON.parse(body.toString('utf8', LENGTH_BYTES, end)));
  return { ...head, bytes: body.subarray(end) };
}
