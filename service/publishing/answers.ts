import type { ChannelLife, HandedId, Start, StartOut, Stream } from './channel-life';
import { grace, refuse, type Result, startOf, stopOfStart, stopsOf, unchanged } from './effects';
import { given, handed, isSameId, withLater } from './handed-ids';
import type { Answer, LifeEffect, Refusal } from './life-events';

type Accepted = Extract<Answer, { readonly kind: 'accepted' }>;

/** Applies an answer to a start, or the lack of one. */
export function answered(life: ChannelLife, start: Start, answer: Answer, now: number): Result {
  const { out } = life;
  if (out?.publish === start.publish) return settle(life, out, answer, now);
  if (answer.kind === 'late') return unchanged(life);
  const known = life.late.find(({ publish }) => publish === start.publish);
  const next = { ...life, late: life.late.filter((each) => each !== known) };
  if (answer.kind === 'accepted') return takeBackLate(next, known ?? start, answer.streamId, known?.former);
  // Of a start that is not known any more, a stop has been sent already.
  return { life: next, effects: known && answer.kind === 'unknown' ? [stopOfStart(known, '')] : [] };
}

/** The fate of the start that is out is known, or it has had its time. */
export function settle(life: ChannelLife, out: StartOut, answer: Answer, now: number): Result {
  const { inherited, abandoned, closed } = out;
  const rest: ChannelLife = { ...life, out: undefined };
  if (answer.kind === 'accepted' && !abandoned && !closed.includes(answer.streamId)) {
    return letIn(rest, out, answer, now);
  }
  const effects: LifeEffect[] = [];
  let next = rest;
  if (answer.kind === 'accepted') {
    const taken = takeBack(rest, out, answer.streamId);
    next = taken.life;
    effects.push(...taken.effects);
  } else if (answer.kind === 'late') {
    const former = rest.stream?.id.startJti;
    next = { ...rest, late: [...rest.late, { ...startOf(out), ...(former !== undefined && { former }) }] };
  } else if (answer.kind === 'unknown') {
    effects.push(stopOfStart(out, ''));
  }
  if (inherited) {
    const isGivenAgain = answer.kind === 'accepted' && isSameId(inherited, out, answer.streamId);
    effects.push(...stopsOf(life, isGivenAgain ? given(inherited, out) : inherited));
  }
  if (!abandoned) effects.push(refuse(out, refusalAfter(answer)));
  if (next.stream?.state === 'held') effects.push(grace(next.stream, true));
  return { life: next, effects };
}

function refusalAfter(answer: Answer): Refusal {
  if (answer.kind === 'refused') return { why: 'refused', final: answer.final, reason: answer.reason };
  return answer.kind === 'accepted' ? { why: 'killed' } : { why: 'noAnswer' };
}

/** The start was accepted: its publisher gets the channel, and the former publisher loses it. */
function letIn(life: ChannelLife, out: StartOut, answer: Accepted, now: number): Result {
  const { stream } = life;
  const { streamId, playKeyHash } = answer;
  const formers = [stream?.id, out.inherited].filter((each) => each !== undefined);
  const former = formers.find((each) => isSameId(each, out, streamId));
  const id = former ? given(former, out) : handed(out, streamId, now);
  const effects: LifeEffect[] = formers.filter((each) => each !== former).flatMap((each) => stopsOf(life, each));
  const continues = stream !== undefined && former === stream.id && out.resume !== undefined;
  if (stream) effects.push({ kind: 'replaced', node: stream.node, publish: stream.publish, continues });
  const { publish, node, keyHash } = out;
  const keeps = stream?.state === 'live' && !stream.leaving;
  effects.push({ kind: 'letIn', node, publish, id, continues, keeps });
  const after = stream?.node === node ? stream.after : stream?.publish;
  const begun: Stream = {
    ...{ publish, node, keyHash, playKeyHash, state: 'live', id, keeps, leaving: false },
    ...(after !== undefined && { after }),
  };
  return { life: { ...life, stream: begun, provenKey: keyHash }, effects };
}

/** The start that was out is accepted, but nobody is let in for it: unless its id has an owner, its stream is over. */
function takeBack(life: ChannelLife, out: StartOut, streamId: string): Result {
  const { stream } = life;
  if (isSameId(out.inherited, out, streamId)) return unchanged(life);
  if (!stream || !isSameId(stream.id, out, streamId)) return { life, effects: [stopOfStart(out, streamId)] };
  return unchanged({ ...life, stream: { ...stream, id: given(stream.id, out) } });
}

/**
 * The same for an answer that came late.
 *
 * @param former the start that the handler knew the stream by when it was asked
 */
function takeBackLate(life: ChannelLife, start: Start, streamId: string, former: string | undefined): Result {
  const { stream, out } = life;
  // Unless a later start was answered with the id meanwhile.
  const latest = (id: HandedId): HandedId => {
    if (id.startJti === former || streamId === '') return given(id, start);
    return start.resume === streamId ? id : withLater(id, [start]);
  };
  if (stream && isSameId(stream.id, start, streamId)) {
    return unchanged({ ...life, stream: { ...stream, id: latest(stream.id) } });
  }
  if (out?.inherited && isSameId(out.inherited, start, streamId)) {
    return unchanged({ ...life, out: { ...out, inherited: latest(out.inherited) } });
  }
  // Also an id that was offered and has had its stop: the handler may have continued it after that stop.
  return { life, effects: [stopOfStart(start, streamId)] };
}
