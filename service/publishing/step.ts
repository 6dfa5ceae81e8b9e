import { answered } from './answers';
import { alone, asserted } from './asserted';
import type { Candidate, ChannelLife, StartOut, Stream } from './channel-life';
import { grace, refuse, type Result, startOf, unchanged } from './effects';
import { clear, close, endStream, endThere, nodeDead } from './endings';
import type { LifeEffect, LifeEvent, LifePolicy, Refusal } from './life-events';
import { isSameKey } from './key-hashes';
import { nextInTurn, queue, surplus } from './turns';

/**
 * What an event makes of a channel's life, and what has to be done. Pure: the same arguments always give the same
 * result. The table stands with ChannelLife.
 */
export function step(life: ChannelLife, event: LifeEvent, policy: LifePolicy): Result {
  const after = apply(life, event);
  const { life: next, effects } = takeTurn(after.life, policy);
  return { life: next, effects: [...after.effects, ...effects] };
}

function apply(life: ChannelLife, event: LifeEvent): Result {
  const { stream } = life;
  switch (event.kind) {
    case 'come': {
      const { blockedUntil = 0 } = life;
      const { candidate, now } = event;
      if (blockedUntil > now) return { life, effects: [refuse(candidate, { why: 'blocked', until: blockedUntil })] };
      return crowd(queue(life, candidate));
    }
    case 'gone':
      return { life: withoutPublisher(life, event.publish), effects: [] };
    case 'answered':
      return answered(life, event.start, event.answer, event.now);
    case 'lost':
      if (stream?.publish !== event.publish || stream.state === 'held') return unchanged(life);
      return { life: { ...life, stream: { ...stream, state: 'held' } }, effects: [grace(stream, !life.out)] };
    case 'left':
      return stream?.publish === event.publish ? endStream(life) : unchanged(life);
    case 'graceOver':
      // The clock stands still while somebody may be about to continue the stream.
      if (stream?.publish !== event.publish || stream.state !== 'held' || life.out) return unchanged(life);
      return endThere(life, stream, 'notBack');
    case 'keeps':
      if (stream?.publish !== event.publish) return unchanged(life);
      return unchanged({ ...life, stream: { ...stream, keeps: event.keeps } });
    case 'ordered':
      if (stream?.publish !== event.publish) return unchanged(life);
      return unchanged({ ...life, stream: { ...stream, id: { ...stream.id, orders: event.orders } } });
    case 'draining':
      if (stream?.node !== event.node) return unchanged(life);
      return unchanged({ ...life, stream: { ...stream, leaving: true } });
    case 'nodeDead':
      return nodeDead(life, event.node, event.now);
    case 'alone':
      return alone(life, event.node);
    case 'asserted':
      return asserted(life, event);
    case 'kill':
      return clear(life, { why: 'killed' });
    case 'block':
      return clear({ ...life, blockedUntil: event.until }, { why: 'blocked', until: event.until });
    case 'unblock':
      return unchanged({ ...life, blockedUntil: undefined });
    case 'close':
      return close(life, event.streamId);
  }
}

function withoutPublisher(life: ChannelLife, publish: string): ChannelLife {
  // The start stays out: the handler may still accept it.
  if (life.out?.publish === publish) return { ...life, out: { ...life.out, abandoned: true } };
  return { ...life, waiting: life.waiting.filter((candidate) => candidate.publish !== publish) };
}

function crowd(life: ChannelLife): Result {
  const last = surplus(life);
  if (!last) return unchanged(life);
  return { life: withoutPublisher(life, last.publish), effects: [refuse(last, { why: 'crowded' })] };
}

/** Refuses who cannot have the channel as it is, and has the handler asked about who is next. */
function takeTurn(life: ChannelLife, policy: LifePolicy): Result {
  const effects: LifeEffect[] = [];
  const { stream } = life;
  let next = life;
  if (stream) {
    const waiting = life.waiting.filter((candidate) => mayFollow(stream, candidate, policy));
    for (const candidate of life.waiting) if (!waiting.includes(candidate)) effects.push(refuse(candidate, BUSY));
    next = { ...life, waiting };
  }
  const candidate = next.out ? undefined : nextInTurn(next);
  if (!candidate) return { life: next, effects };
  const resume = stream && policy.resumes ? stream.id.streamId : undefined;
  const out: StartOut = { ...candidate, ...(resume !== undefined && { resume }), abandoned: false, closed: [] };
  const waiting = next.waiting.filter((other) => other !== candidate);
  if (stream?.state === 'held') effects.push(grace(stream, false));
  effects.push({ kind: 'ask', node: out.node, start: startOf(out) });
  return { life: { ...next, out, waiting, round: Math.max(next.round, candidate.round) }, effects };
}

const BUSY: Refusal = { why: 'busy' };

/** Whether a candidate may end or continue the stream that has the channel. */
function mayFollow(stream: Stream, candidate: Candidate, { takeover, resumes }: LifePolicy): boolean {
  if (!isSameKey(candidate.keyHash, stream.keyHash)) return false;
  return stream.state === 'held' || (stream.leaving && resumes) || (takeover && !stream.keeps);
}
