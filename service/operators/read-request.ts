import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';

/** A request to read something of the fleet, sent on the command channel. One node answers it for all. */
export interface ReadRequest {
  /** Which node answers: 0 is the first by id; the next ones are asked when it does not answer. */
  readonly rank: number;
  /** Names the request; part of the answer. */
  readonly id: string;
  /** A path of the operators' API below `/api/v1`, such as `/streams?limit=100`. */
  readonly path: string;
}

/** So many nodes are asked, one after the other. */
export const READ_RANKS = 3;

/** Requests begin with this; it is no command that operators type. */
export const READ_VERB = 'read>';

/** Longest answer that is unpacked: a hundred thousand streams. */
const MAX_BYTES = 100 * 1024 * 1024;

const FORM = /^read>([0-2])\.([A-Za-z0-9-]{1,64})\|(\/[!-~]{0,2000})$/;

export function readRequestText({ rank, id, path }: ReadRequest): string {
  return `${READ_VERB}${rank}.${id}|${path}`;
}

/** undefined for anything else. */
export function parseReadRequest(text: string): ReadRequest | undefined {
  const [, rank = '', id = '', path = ''] = FORM.exec(text) ?? [];
  return id === '' ? undefined : { rank: Number(rank), id, path };
}

/** The answer to a request of the API, as over HTTP. */
export interface ReadAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** The answer in JSON: as a message of the replies channel, and as the result of the operator function. */
export interface PackedAnswer {
  readonly status: number;
  readonly contentType: string;
  /** Present where `body` is compressed. */
  readonly encoding?: 'gzip';
  /** base64 */
  readonly body: string;
}

/** A node's answer as a message of the replies channel. */
export interface ReadReply extends PackedAnswer {
  readonly node: string;
  /** Id of the request. */
  readonly read: string;
}

/** Compressing shorter texts is not worth it (bytes). */
const MIN_COMPRESSED_BYTES = 1024;
/** Longest packed body (characters): the answer of a Lambda function has 6 MB at most. */
const MAX_PACKED_LENGTH = 5.5 * 1024 * 1024;

const compress = promisify(gzip);

/** @param tooLong answered instead of a body that does not fit */
export async function packAnswer(answer: ReadAnswer, tooLong: ReadAnswer): Promise<PackedAnswer> {
  const { status, contentType, body } = answer;
  const isText = contentType.includes('json') && body.length >= MIN_COMPRESSED_BYTES;
  const packed = (isText ? await compress(body) : body).toString('base64');
  if (packed.length > MAX_PACKED_LENGTH) return { ...tooLong, body: tooLong.body.toString('base64') };
  return { status, contentType, body: packed, ...(isText && { encoding: 'gzip' }) };
}

/** undefined for anything else. */
export function parsePackedAnswer(value: unknown): PackedAnswer | undefined {
  const { status, contentType, encoding, body } = Object(value) as Readonly<Record<string, unknown>>;
  if (typeof status !== 'number' || typeof contentType !== 'string' || typeof body !== 'string') return undefined;
  return { status, contentType, body, ...(encoding === 'gzip' && { encoding }) };
}

export function unpackAnswer({ status, contentType, encoding, body }: PackedAnswer): ReadAnswer {
  const bytes = Buffer.from(body, 'base64');
  return { status, contentType, body: encoding === 'gzip' ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes };
}

/** undefined for any other message of the replies channel. */
export function parseReadReply(text: string): { readonly read: string; readonly answer: PackedAnswer } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { read } = Object(value) as Readonly<Record<string, unknown>>;
  const answer = parsePackedAnswer(value);
  return typeof read === 'string' && answer !== undefined ? { read, answer } : undefined;
}
