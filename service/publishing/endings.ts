import { settle } from './answers';
import type { ChannelLife, Claimed, HandedId, Start, StartOut, Stream } from './channel-life';
import { refuse, type Result, stopOfStart, stopsOf, unchanged } from './effects';
import { startOfId, withLater, withOrders } from './handed-ids';
import type { LifeEffect, Refusal } from './life-events';

/** Ends the stream. If a start is out, that start inherits the id, because the answer may continue the stream. */
export function endStream(life: ChannelLife): Result {
  const { stream, out } = life;
  if (!stream) return unchanged(life);
  if (out) return inherit({ ...life, stream: undefined }, out, stream.id);
  return { life: { ...life, stream: undefined }, effects: stopsOf(life, stream.id) };
}

/** A start inherits one id: after an outage it may have one already. */
function inherit(life: ChannelLife, out: StartOut, id: HandedId): Result {
  const { inherited: former } = out;
  if (!former) return unchanged({ ...life, out: { ...out, inherited: id } });
  if (id.streamId !== '' && id.streamId === former.streamId) {
    const inherited = id.startJti === former.startJti ? id : withLater(id, [startOfId(former)]);
    return unchanged({ ...life, out: { ...out, inherited: withOrders(inherited, former) } });
  }
  const [inherited, other] = former.streamId === out.resume ? [former, id] : [id, former];
  return { life: { ...life, out: { ...out, inherited } }, effects: stopsOf(life, other) };
}

/** The same, and the stream's node does not know it yet. */
export function endThere(life: ChannelLife, { node, publish }: Stream, why: 'killed' | 'notBack'): Result {
  const ended = endStream(life);
  return { life: ended.life, effects: [{ kind: 'ended', node, publish, why }, ...ended.effects] };
}

/** How long a publish is remembered whose node was taken for dead (ms): a stopped process may continue so late. */
const CLAIMED_MS = 3_600_000;
const MAX_CLAIMED = 32;

export function nodeDead(life: ChannelLife, node: string, now: number): Result {
  const isHere = (start: { readonly node: string }): boolean => start.node === node;
  const isElsewhere = (start: Start): boolean => !isHere(start);
  const stopped = [life.stream, life.out, ...life.late].filter((each) => each !== undefined).filter(isHere);
  const effects: LifeEffect[] = life.late.filter(isHere).map((start) => stopOfStart(start, ''));
  let next: ChannelLife = {
    ...life,
    ...(stopped.length > 0 && { claimed: claim(life, stopped, now), isDoubted: true }),
    late: life.late.filter(isElsewhere),
    waiting: life.waiting.filter(isElsewhere),
  };
  if (next.stream?.node === node) {
    const ended = endStream(next);
    next = ended.life;
    effects.push(...ended.effects);
  }
  if (next.out?.node !== node) return { life: next, effects };
  const settled = settle(next, { ...next.out, abandoned: true }, { kind: 'unknown' }, now);
  return { life: settled.life, effects: [...effects, ...settled.effects] };
}

function claim(
  { claimed = [] }: ChannelLife,
  stopped: readonly { readonly publish: string }[],
  now: number,
): Claimed[] {
  const until = now + CLAIMED_MS;
  const fresh = stopped.map(({ publish }) => ({ publish, until }));
  return [...claimed.filter((each) => each.until > now), ...fresh].slice(-MAX_CLAIMED);
}

/** An operator wants nobody who is here. */
export function clear(life: ChannelLife, refusal: Refusal): Result {
  const { stream, out, waiting } = life;
  const effects: LifeEffect[] = waiting.map((candidate) => refuse(candidate, refusal));
  if (out && !out.abandoned) effects.push(refuse(out, refusal));
  const cleared = { ...life, waiting: [], ...(out && { out: { ...out, abandoned: true } }) };
  if (!stream) return { life: cleared, effects };
  const ended = endThere(cleared, stream, 'killed');
  return { life: ended.life, effects: [...effects, ...ended.effects] };
}

export function close(life: ChannelLife, streamId: string): Result {
  const { stream, out } = life;
  const next = out ? { ...life, out: { ...out, closed: [...out.closed, streamId] } } : life;
  if (stream?.id.streamId !== streamId) return unchanged(next);
  return endThere(next, stream, 'killed');
}
