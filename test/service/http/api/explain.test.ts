import { expect, test } from '@jest/globals';
import { explain } from '../../../../service/http/api/explain';
import type { Event } from '../../../../service/http/api/schemas/event';
import type { Refusal } from '../../../../service/http/api/schemas/refusal';
import { UNKNOWN_STANDING } from '../../../../service/leases/channel-standing';

const NOW = Date.parse('2026-05-01T12:00:00.000Z');
const at = (secondsAgo: number): string => new Date(NOW - secondsAgo * 1000).toISOString();

function refusal(code: Refusal['code'], secondsAgo: number): Refusal {
  const [lastAt, sentence] = [at(secondsAgo), `${code}, from 203.0.113.7`];
  const shared = { channel: 'news', address: '203.0.113.7', node: 'n0', code, reason: 'no', count: 1 };
  return { ...shared, firstAt: lastAt, lastAt, sentence };
}

function ended(secondsAgo: number): Event {
  const shared = { id: '1', at: at(secondsAgo), node: 'n0', type: 'stream.ended' as const, channel: 'news' };
  return { ...shared, streamId: 's', code: 'operator', reason: 'ended by an operator', seconds: 42 };
}

function explained(refusals: Refusal[], events: Event[] = [], unanswered: { node: string; reason: string }[] = []) {
  const answers = [{ node: 'n0', answer: { stream: null, players: 0, events, refusals } }];
  return explain('news', UNKNOWN_STANDING, { answers, unanswered }, NOW);
}

test('once a block is lifted, refusals because of it explain nothing', () => {
  const why = explained([refusal('blocked', 10)]);
  expect(why.verdict).toBe('idle');
  expect(why.advice.join()).not.toContain('unblock');
});

test('while the registry is away, nobody knows whether a block was lifted', () => {
  expect(explained([refusal('blocked', 10)], [], [{ node: 'registry', reason: 'away' }]).verdict).toBe('refused');
});

test('of a stream that has ended, when and why is said; earlier refusals explain nothing', () => {
  const why = explained([refusal('handler', 90)], [ended(30)]);
  expect(why.verdict).toBe('idle');
  expect(why.sentence).toBe(`Not live: the last stream ended at ${at(30)} after 42 s: ended by an operator.`);
  expect(why.advice).toEqual([expect.stringContaining('since the stream ended')]);
});

test('a refusal after the end explains why the stream is not back', () => {
  expect(explained([refusal('handler', 10)], [ended(30)]).verdict).toBe('refused');
});
