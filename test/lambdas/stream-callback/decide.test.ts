import { describe, expect, test } from '@jest/globals';
import type { ChannelPolicy } from '../../../lambdas/shared/channel-policy';
import type { ActiveStream, ChannelRecord } from '../../../lambdas/shared/channel-record';
import type { StartEvent } from '../../../lambdas/shared/event-claims';
import { decideStart, streamIdOf, type StartFacts } from '../../../lambdas/stream-callback/decide';

const NOW = 1_800_000_000;
const event: StartEvent = {
  event: 'start',
  channel: 'news',
  key: 'k',
  clientIp: '198.51.100.7',
  rtmpHost: '10.0.0.5',
  eventId: 'event-1',
};
const streamId = streamIdOf(event);

function record(policy: Partial<ChannelPolicy> = {}, parts: Partial<ChannelRecord> = {}): ChannelRecord {
  return {
    channel: 'news',
    keyHash: 'h',
    policy: { enabled: true, allowedCidrs: [], ...policy },
    revision: 1,
    createdAt: '',
    updatedAt: '',
    ...parts,
  };
}

function active(id: string): ActiveStream {
  return { streamId: id, startedAt: '2026-01-01T00:00:00.000Z' };
}

function facts(parts: Partial<StartFacts>): StartFacts {
  return {
    event,
    streamId,
    record: record(),
    key: { matched: 'current' },
    earlier: undefined,
    nowSeconds: NOW,
    whenBusyDefault: 'takeover',
    ...parts,
  };
}

test('a start that was under way for long does not end a stream that was asked about after it', () => {
  const asked = (seconds: number): Partial<StartFacts> => ({
    event: { ...event, issuedAt: NOW },
    record: record({}, { active: { ...active('newer'), askedAt: NOW + seconds } }),
  });
  expect(decideStart(facts(asked(3)))).toMatchObject({
    accepted: false,
    status: 409,
    reason: 'a newer start has the channel',
  });
  // Clocks differ.
  expect(decideStart(facts(asked(2)))).toMatchObject({ accepted: true, kind: 'new' });
});

const session = { streamId, channel: 'news', startedAt: '' };

describe('decideStart', () => {
  test.each<[string, Partial<StartFacts>, 403 | 409, string]>([
    ['an unknown channel', { record: undefined, key: { matched: 'none' } }, 403, 'unknown channel'],
    ['a wrong key', { key: { matched: 'none' } }, 403, 'wrong key'],
    ['a disabled channel', { record: record({ enabled: false }) }, 403, 'channel disabled'],
    ['a start before its time', { record: record({ notBefore: NOW + 1 }) }, 403, 'before the allowed time'],
    ['a start after its time', { record: record({ notAfter: NOW }) }, 403, 'after the allowed time'],
    ['an address outside the list', { record: record({ allowedCidrs: ['192.0.2.0/24'] }) }, 403, 'address not allowed'],
    [
      'a rotated key past its overlap',
      { key: { matched: 'previous' }, record: record({}, { previousKey: { hash: 'p', validUntil: NOW } }) },
      403,
      'rotated key',
    ],
    [
      'a live channel that rejects',
      { record: record({ whenBusy: 'reject' }, { active: active('x') }) },
      409,
      'channel is live',
    ],
    [
      'a live channel, where rejecting is the default',
      { record: record({}, { active: active('x') }), whenBusyDefault: 'reject' },
      409,
      'channel is live',
    ],
    [
      'a late redelivery, when another stream has taken over',
      { record: record({}, { active: active('newer') }), earlier: session },
      409,
      'stream of this event is over',
    ],
    [
      'a redelivery after the stream has ended',
      { earlier: { ...session, endedAt: '2026-01-01T00:00:00.000Z' } },
      409,
      'stream of this event is over',
    ],
  ])('refuses %s', (_name, parts, status, reason) => {
    expect(decideStart(facts(parts))).toEqual({ accepted: false, status, reason });
  });

  test('a wrong key learns nothing about the channel being live or disabled', () => {
    const busy = record({ whenBusy: 'reject', enabled: false }, { active: active('x') });
    expect(decideStart(facts({ record: busy, key: { matched: 'none' } }))).toMatchObject({ reason: 'wrong key' });
  });

  test.each<[string, Partial<StartFacts>, 'new' | 'repeat' | 'resume', string]>([
    ['a free channel', {}, 'new', streamId],
    [
      'an address inside the list',
      { record: record({ allowedCidrs: ['198.51.100.0/24', '2001:db8::/32'] }) },
      'new',
      streamId,
    ],
    ['a start inside its time', { record: record({ notBefore: NOW, notAfter: NOW + 1 }) }, 'new', streamId],
    [
      'a rotated key within its overlap',
      { key: { matched: 'previous' }, record: record({}, { previousKey: { hash: 'p', validUntil: NOW + 1 } }) },
      'new',
      streamId,
    ],
    ['a live channel by takeover', { record: record({}, { active: active('older') }) }, 'new', streamId],
    [
      'the same event again',
      { record: record({ whenBusy: 'reject' }, { active: active(streamId) }), earlier: session },
      'repeat',
      streamId,
    ],
    [
      'the resumption of the stream that holds the channel',
      { event: { ...event, resume: 'held' }, record: record({ whenBusy: 'reject' }, { active: active('held') }) },
      'resume',
      'held',
    ],
    [
      'the resumption of a stream that is gone, as a new one',
      { event: { ...event, resume: 'gone' }, record: record({}, { active: active('other') }) },
      'new',
      streamId,
    ],
  ])('accepts %s', (_name, parts, kind, id) => {
    expect(decideStart(facts(parts))).toMatchObject({ accepted: true, kind, streamId: id });
  });
});

describe('streamIdOf', () => {
  test('is the same for every delivery of an event and another for every other event', () => {
    expect(streamIdOf({ ...event })).toBe(streamId);
    expect(streamIdOf({ ...event, eventId: 'event-2' })).not.toBe(streamId);
    expect(streamIdOf({ ...event, channel: 'sport' })).not.toBe(streamId);
    expect(streamId).toMatch(/^[0-9a-f]{32}$/);
  });

  test('is never the same for servers that send no event id', () => {
    expect(streamIdOf({ ...event, eventId: undefined })).not.toBe(streamIdOf({ ...event, eventId: undefined }));
  });
});
