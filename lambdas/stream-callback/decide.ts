import { createHash, randomUUID } from 'node:crypto';
import { addressMatches, type WhenBusy } from '../shared/channel-policy';
import type { ChannelRecord } from '../shared/channel-record';
import type { StartEvent } from '../shared/event-claims';
import type { SessionRecord } from '../shared/session-record';
import type { KeyCheck } from './key-check';

/** Everything that the decision on a start depends on. */
export interface StartFacts {
  readonly event: StartEvent;
  /** The id that a new stream of this event gets. */
  readonly streamId: string;
  /** undefined: there is no such channel. */
  readonly record: ChannelRecord | undefined;
  readonly key: KeyCheck;
  /** The session that this very event began when it was delivered before. */
  readonly earlier: SessionRecord | undefined;
  readonly nowSeconds: number;
  /** For channels without their own setting. */
  readonly whenBusyDefault: WhenBusy;
}

export interface AcceptedStart {
  readonly accepted: true;
  /** `repeat`: the event was delivered before; `resume`: the stream that holds the channel continues. */
  readonly kind: 'new' | 'repeat' | 'resume';
  readonly streamId: string;
  readonly record: ChannelRecord;
}

export interface RefusedStart {
  readonly accepted: false;
  /** 403: not allowed; 409: allowed, but another stream has the channel. */
  readonly status: 403 | 409;
  /** For the log, never for the caller. */
  readonly reason: string;
}

export type StartDecision = AcceptedStart | RefusedStart;

/** The order of starts whose `iat` differ by less than this is not known, because the nodes' clocks differ (s). */
const CLOCKS_DIFFER_SECONDS = 2;

function refuse(status: 403 | 409, reason: string): RefusedStart {
  return { accepted: false, status, reason };
}

/**
 * The id of the stream that an event begins: the same for every delivery of the event, unguessable without the event.
 */
export function streamIdOf({ channel, eventId = randomUUID() }: Pick<StartEvent, 'channel' | 'eventId'>): string {
  return createHash('sha256').update(`${channel}/${eventId}`).digest('hex').slice(0, 32);
}

/** Whether the channel's current stream was requested after this start, which was delayed. */
function isOvertaken({ issuedAt }: StartEvent, { active }: ChannelRecord): boolean {
  if (issuedAt === undefined || active?.askedAt === undefined) return false;
  return issuedAt + CLOCKS_DIFFER_SECONDS < active.askedAt;
}

/** Why the channel's rules refuse this publisher; undefined when they allow it. */
function policyRefusal(record: ChannelRecord, { event, nowSeconds }: StartFacts): string | undefined {
  const { policy } = record;
  if (!policy.enabled) return 'channel disabled';
  if (policy.notBefore !== undefined && nowSeconds < policy.notBefore) return 'before the allowed time';
  if (policy.notAfter !== undefined && nowSeconds >= policy.notAfter) return 'after the allowed time';
  if (policy.allowedCidrs.length > 0 && !addressMatches(policy.allowedCidrs, event.clientIp)) {
    return 'address not allowed';
  }
  return undefined;
}

function keyRefusal(record: ChannelRecord, { key, nowSeconds }: StartFacts): string | undefined {
  if (key.matched === 'current') return undefined;
  if (key.matched === 'none') return 'wrong key';
  return nowSeconds < (record.previousKey?.validUntil ?? 0) ? undefined : 'rotated key';
}

/**
 * Whether a publisher may begin, and with which stream id. The key is checked first: without it, a caller learns
 * neither the channel's rules nor whether it is live.
 */
export function decideStart(facts: StartFacts): StartDecision {
  const { event, record, streamId, earlier } = facts;
  if (record === undefined) return refuse(403, 'unknown channel');
  const refusal = keyRefusal(record, facts) ?? policyRefusal(record, facts);
  if (refusal !== undefined) return refuse(403, refusal);

  const activeId = record.active?.streamId;
  if (activeId === streamId) return { accepted: true, kind: 'repeat', streamId, record };
  // A late redelivery must not take the channel back from the stream that replaced it, nor revive an ended stream.
  if (earlier !== undefined) return refuse(409, 'stream of this event is over');
  if (activeId !== undefined && activeId === event.resume) {
    return { accepted: true, kind: 'resume', streamId: activeId, record };
  }
  if (isOvertaken(event, record)) return refuse(409, 'a newer start has the channel');
  const whenBusy = record.policy.whenBusy ?? facts.whenBusyDefault;
  if (activeId !== undefined && whenBusy === 'reject') return refuse(409, 'channel is live');
  return { accepted: true, kind: 'new', streamId, record };
}
