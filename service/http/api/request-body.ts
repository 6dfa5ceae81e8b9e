import type { IncomingMessage } from 'node:http';
import { ApiProblem } from './problems';

const MAX_BODY_BYTES = 64 * 1024;

/** The text of the body. @throws ApiProblem when it is too long */
export async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_BODY_BYTES) throw new ApiProblem('tooLarge', `The body may have ${MAX_BODY_BYTES} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/**
 * The JSON of the body. Other content types are refused: a form of another site could send them.
 *
 * @throws ApiProblem when it is no JSON
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new ApiProblem('badRequest', 'Send the body as JSON, with "Content-Type: application/json".');
  }
  return parseJson(await readBody(request));
}

/** @throws ApiProblem when it is no JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiProblem('badRequest', 'The body is not JSON.');
  }
}
