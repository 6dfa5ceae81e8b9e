import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { describeError } from '../../errors/error-text';
import type { NodeAddress } from '../../leases/life-store';
import type { Answers, Machine } from './machine';
import { ANSWERS, type Ask, type Question } from './questions';
import { Unanswered } from './schemas/common';

/** Where nodes take questions of other nodes. */
export const NODE_PATH = '/api/v1/node';
/** The scheme of `Authorization` with which nodes prove themselves. */
export const NODE_SCHEME = 'Node';
/** A node that has not answered after this long is left out (ms). */
const ANSWER_MS = 3_000;
/** Longest answer: some ten thousand streams with their histories. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

const answersOf = <A extends Ask>(ask: A) =>
  z.object({
    answers: z.array(z.object({ node: z.string(), answer: ANSWERS[ask] })),
    unanswered: z.array(Unanswered),
  });

/** What the token of a question vouches for. */
export function digestOf(body: string): string {
  return createHash('sha256').update(body).digest('base64url');
}

/** Asks another machine by HTTP, at one of its nodes, all of which have the same HTTP port. Never rejects. */
export async function askMachine(
  own: Pick<Machine, 'sign'>,
  nodes: readonly NodeAddress[],
  question: Question,
): Promise<Answers> {
  const [node] = nodes;
  const missing = (reason: string): Answers => ({
    answers: [],
    unanswered: nodes.map(({ id }) => ({ node: id, reason })),
  });
  if (node?.httpPort === undefined) {
    return missing('other nodes cannot ask it: it has no HTTP_PORT, or HTTP_BIND_ADDRESS is a loopback address');
  }
  const body = JSON.stringify(question);
  try {
    const token = await own.sign(digestOf(body), node);
    if (token === undefined) return missing('this node has no key for questions to other nodes');
    const host = isIPv6(node.host) ? `[${node.host}]` : node.host;
    const response = await fetch(`http://${host}:${node.httpPort}${NODE_PATH}`, {
      method: 'POST',
      headers: { authorization: `${NODE_SCHEME} ${token}`, 'content-type': 'application/json' },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const text = await readText(response);
    if (response.status !== 200) return missing(refusalOf(response.status));
    const read = answersOf(question.ask).safeParse(JSON.parse(text));
    return read.success ? read.data : missing('its answer has a form that this node does not know: another version?');
  } catch (error) {
    return missing(`no answer: ${reasonOf(error)}`);
  }
}

function refusalOf(status: number): string {
  if (status === 401)
    return 'it does not accept questions of this node: have both the same JWT_SECRET, and right clocks?';
  return status === 404
    ? 'it does not know questions of other nodes: an older version?'
    : `it answered with status ${status}`;
}

async function readText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) throw new Error('its answer is too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** `fetch` hides the reason in the cause. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `none within ${ANSWER_MS / 1000} s`;
  return describeError(error instanceof Error && error.cause !== undefined ? error.cause : error);
}
