import type { Candidate, ChannelLife, HandedId, Start, StartOut, Stream } from './channel-life';
import type { Answer, LifeEffect, LifeEvent, LifePolicy, Refusal, Step } from './life-events';
import { nextInTurn, queue, surplus } from './turns';

type Result = Step<ChannelLife>;

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
    case 'draining':
      if (stream?.node !== event.node) return unchanged(life);
      return unchanged({ ...life, stream: { ...stream, leaving: true } });
    case 'nodeDead':
      return nodeDead(life, event.node);
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

function unchanged(life: ChannelLife): Result {
  return { life, effects: [] };
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
  if (candidate.keyHash !== stream.keyHash) return false;
  return stream.state === 'held' || (stream.leaving && resumes) || (takeover && !stream.keeps);
}

function answered(life: ChannelLife, start: Start, answer: Answer, now: number): Result {
  const { out } = life;
  if (out?.publish === start.publish) return settle(life, out, answer, now);
  if (answer.kind === 'late') return unchanged(life);
  const late = life.late.filter(({ publish }) => publish !== start.publish);
  const isKnown = late.length < life.late.length;
  const next = { ...life, late };
  if (answer.kind === 'accepted') return takeBackLate(next, start, answer.streamId);
  // Of a start that is not known any more, a stop has been sent already.
  return { life: next, effects: isKnown && answer.kind === 'unknown' ? [stopOfStart(start, '')] : [] };
}

/** The fate of the start that is out is known, or it has had its time. */
function settle(life: ChannelLife, out: StartOut, answer: Answer, now: number): Result {
  const { inherited, abandoned, closed } = out;
  const rest: ChannelLife = { ...life, out: undefined };
  if (answer.kind === 'accepted' && !abandoned && !closed.includes(answer.streamId)) {
    return letIn(rest, out, answer.streamId, now);
  }
  const effects: LifeEffect[] = [];
  let next = rest;
  if (answer.kind === 'accepted') {
    const taken = takeBack(rest, out, answer.streamId);
    next = taken.life;
    effects.push(...taken.effects);
  } else if (answer.kind === 'late') {
    next = { ...rest, late: [...rest.late, startOf(out)] };
  } else if (answer.kind === 'unknown') {
    effects.push(stopOfStart(out, ''));
  }
  if (inherited) {
    const isGivenAgain = answer.kind === 'accepted' && isSameId(inherited, out, answer.streamId);
    effects.push(stopOf(isGivenAgain ? given(inherited, out) : inherited));
  }
  if (!abandoned) effects.push(refuse(out, refusalAfter(answer)));
  if (next.stream?.state === 'held') effects.push(grace(next.stream, true));
  return { life: next, effects };
}

function refusalAfter(answer: Answer): Refusal {
  if (answer.kind === 'refused') return { why: 'refused', final: answer.final, reason: answer.reason };
  return answer.kind === 'accepted' ? { why: 'killed' } : { why: 'noAnswer' };
}

/** The start was accepted: its publisher has the channel, and whoever had it has not. */
function letIn(life: ChannelLife, out: StartOut, streamId: string, now: number): Result {
  const { stream } = life;
  const former = stream?.id ?? out.inherited;
  const effects: LifeEffect[] = [];
  const goesOn = isSameId(former, out, streamId);
  const id = goesOn && former ? given(former, out) : handed(out, streamId, now);
  if (former && !goesOn) effects.push(stopOf(former));
  const continues = goesOn && stream !== undefined && out.resume !== undefined;
  if (stream) effects.push({ kind: 'replaced', node: stream.node, publish: stream.publish, continues });
  const { publish, node, keyHash } = out;
  effects.push({ kind: 'letIn', node, publish, id, continues });
  const keeps = stream?.state === 'live' && !stream.leaving;
  const begun: Stream = { publish, node, keyHash, state: 'live', id, keeps, leaving: false };
  return { life: { ...life, stream: begun, provenKey: keyHash }, effects };
}

/** The start that was out is accepted, but nobody is let in for it: unless its id has an owner, its stream is over. */
function takeBack(life: ChannelLife, out: StartOut, streamId: string): Result {
  const { stream } = life;
  if (isSameId(out.inherited, out, streamId)) return unchanged(life);
  if (!stream || !isSameId(stream.id, out, streamId)) return { life, effects: [stopOfStart(out, streamId)] };
  return unchanged({ ...life, stream: { ...stream, id: given(stream.id, out) } });
}

/** The same for an answer that came late. */
function takeBackLate(life: ChannelLife, start: Start, streamId: string): Result {
  const { stream, out } = life;
  if (isSameId(stream?.id, start, streamId) || isSameId(out?.inherited, start, streamId)) return unchanged(life);
  // An id that was offered and has no owner any more has had its stop: only what this start began can be left.
  return { life, effects: [stopOfStart(start, start.resume === streamId ? '' : streamId)] };
}

/** Whether the handler answered with an id that has an owner. Without ids, an offer that was accepted is one. */
function isSameId(id: HandedId | undefined, { resume }: Start, streamId: string): boolean {
  return id?.streamId === streamId && (streamId !== '' || resume !== undefined);
}

/** The id after a start was answered with it again. Handlers know a stream that goes on by its first start. */
function given(id: HandedId, { resume, startJti }: Start): HandedId {
  return resume === undefined ? { ...id, startJti } : id;
}

function handed({ publish, startJti, about }: Start, streamId: string, now: number): HandedId {
  return { streamId, startJti, stopJti: publish, about, since: now };
}

/** The stream ends here. Its id waits for the start that is out, whose answer may be that it goes on. */
function endStream(life: ChannelLife): Result {
  const { stream, out } = life;
  if (!stream) return unchanged(life);
  if (out) return unchanged({ ...life, stream: undefined, out: { ...out, inherited: stream.id } });
  return { life: { ...life, stream: undefined }, effects: [stopOf(stream.id)] };
}

/** The same, and the stream's node does not know it yet. */
function endThere(life: ChannelLife, { node, publish }: Stream, why: 'killed' | 'notBack'): Result {
  const ended = endStream(life);
  return { life: ended.life, effects: [{ kind: 'ended', node, publish, why }, ...ended.effects] };
}

function nodeDead(life: ChannelLife, node: string): Result {
  const effects: LifeEffect[] = life.late.filter((start) => start.node === node).map((start) => stopOfStart(start, ''));
  const isElsewhere = (start: Start): boolean => start.node !== node;
  let next: ChannelLife = {
    ...life,
    late: life.late.filter(isElsewhere),
    waiting: life.waiting.filter(isElsewhere),
  };
  if (next.stream?.node === node) {
    const ended = endStream(next);
    next = ended.life;
    effects.push(...ended.effects);
  }
  if (next.out?.node !== node) return { life: next, effects };
  const settled = settle(next, { ...next.out, abandoned: true }, { kind: 'unknown' }, 0);
  return { life: settled.life, effects: [...effects, ...settled.effects] };
}

/** An operator wants nobody who is here. */
function clear(life: ChannelLife, refusal: Refusal): Result {
  const { stream, out, waiting } = life;
  const effects: LifeEffect[] = waiting.map((candidate) => refuse(candidate, refusal));
  if (out && !out.abandoned) effects.push(refuse(out, refusal));
  const cleared = { ...life, waiting: [], ...(out && { out: { ...out, abandoned: true } }) };
  if (!stream) return { life: cleared, effects };
  const ended = endThere(cleared, stream, 'killed');
  return { life: ended.life, effects: [...effects, ...ended.effects] };
}

function close(life: ChannelLife, streamId: string): Result {
  const { stream, out } = life;
  const next = out ? { ...life, out: { ...out, closed: [...out.closed, streamId] } } : life;
  if (stream?.id.streamId !== streamId) return unchanged(next);
  return endThere(next, stream, 'killed');
}

function startOf({ publish, node, startJti, about, resume }: Start): Start {
  return { publish, node, startJti, about, ...(resume !== undefined && { resume }) };
}

function refuse({ node, publish }: Start, refusal: Refusal): LifeEffect {
  return { kind: 'refuse', node, publish, refusal };
}

function grace({ node, publish }: Stream, runs: boolean): LifeEffect {
  return { kind: 'grace', node, publish, runs };
}

function stopOf({ stopJti, streamId, startJti, about }: HandedId): LifeEffect {
  return { kind: 'stop', stop: { jti: stopJti, streamId, startJti, about } };
}

function stopOfStart({ publish, startJti, about }: Start, streamId: string): LifeEffect {
  return { kind: 'stop', stop: { jti: publish, streamId, startJti, about } };
}
