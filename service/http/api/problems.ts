import { STATUS_CODES } from 'node:http';
import type { Problem, ProblemCode } from './schemas/problem';

const STATUS: Readonly<Record<ProblemCode, number>> = {
  badRequest: 400,
  tokenNeeded: 401,
  tokenWrong: 401,
  tokenNotSet: 403,
  crossOrigin: 403,
  hostNotAllowed: 403,
  notFound: 404,
  noStream: 404,
  noNode: 404,
  noKeyframe: 404,
  methodNotAllowed: 405,
  tooLarge: 413,
  tooManyAttempts: 429,
  internal: 500,
  nodeUnreachable: 502,
  tooManyClients: 503,
};

/** An error of the API, as problem details (RFC 9457). */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail what to do about it, in a sentence */
  constructor(code: ProblemCode, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    const status = STATUS[code];
    this.problem = { type: 'about:blank', title: STATUS_CODES[status] ?? '', status, detail, code };
    this.headers = headers;
  }
}
