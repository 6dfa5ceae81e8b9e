import type { RefusalCode } from '../http/api/schemas/refusal';
import type { PublishRefusal } from '../hub/publish-refusal';

/** By what the client is told; the first that fits counts. */
const BY_REASON: readonly (readonly [RegExp, RefusalCode])[] = [
  [/is blocked/, 'blocked'],
  [/already publishing|waiting for a decision/, 'busy'],
  [/shutting down/, 'draining'],
  [/short of memory/, 'noRoom'],
  [/registry/, 'registry'],
  [/was ended while/, 'ended'],
  [/stream key|are allowed|query string/, 'badName'],
  [/Too many publishers|no time for this publisher/, 'tooManyQuestions'],
];

/** The kind of a refusal. Clients are told a reason in words; operators count and filter by kind. */
export function refusalCode({ final, reason }: PublishRefusal): RefusalCode {
  const known = BY_REASON.find(([words]) => words.test(reason));
  if (known !== undefined) return known[1];
  if (final) return 'handler';
  return /callback|AWS/i.test(reason) ? 'handlerFault' : 'other';
}
