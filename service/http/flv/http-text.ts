import { STATUS_CODES } from 'node:http';

export type HeaderFields = Readonly<Record<string, string>>;

/** Why a stream cannot be played; the status and text of the answer. */
export interface PlayRefusal {
  readonly status: 401 | 403 | 404 | 405 | 429 | 503;
  readonly detail: string;
  readonly headers?: HeaderFields;
}

/** The beginning of an answer, up to its body. After it the connection closes. */
export function answerHead(status: number, fields: HeaderFields): string {
  const all: HeaderFields = { ...fields, 'cache-control': 'no-store', connection: 'close' };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n`;
}

/** The whole answer to a player that is refused: problem details (RFC 9457). */
export function problemAnswer({ status, detail, headers }: PlayRefusal, others: HeaderFields): string {
  const problem = { type: 'about:blank', title: STATUS_CODES[status], status, detail };
  const body = `${JSON.stringify(problem)}\n`;
  const fields = {
    ...others,
    ...headers,
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
    'x-content-type-options': 'nosniff',
  };
  return answerHead(status, fields) + body;
}
