import type { RefusalCode } from '../http/api/schemas/refusal';

const WORDS: Readonly<Record<RefusalCode, string>> = {
  handler: 'wrong key, or not allowed by the callback handler',
  handlerFault: 'the callback handler could not decide',
  busy: 'another publisher has the channel',
  blocked: 'blocked by an operator',
  badName: 'the channel or key has characters that are not allowed',
  tooManyQuestions: 'too many attempts',
  draining: 'the node is leaving',
  noRoom: 'the node is short of memory',
  registry: 'the fleet registry did not answer',
  ended: 'ended while it was decided',
  other: 'refused',
};

/** Such as: wrong key, from 203.0.113.7, 14 times in 5 minutes. */
export function refusalSentence(code: RefusalCode, address: string, count: number, spanMs: number): string {
  const from = `${WORDS[code]}, from ${address}`;
  return count === 1 ? `${from}, once` : `${from}, ${count} times in ${span(spanMs)}`;
}

function span(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  if (minutes <= 1) return 'a minute';
  if (minutes < 120) return `${minutes} minutes`;
  return `${Math.round(minutes / 60)} hours`;
}
