import type { ChannelLife, HandedId, LaterStart, Start, StartOut, Stream } from './channel-life';
import { grace, refuse, type Result, stopOfStart, stopsOf } from './effects';
import { clear, endThere } from './endings';
import { startOfId, withLater, withOrders } from './handed-ids';
import type { LifeEffect, LifeEvent, LifePart } from './life-events';

type Asserted = Extract<LifeEvent, { readonly kind: 'asserted' }>;

/** What a node has of a life. */
export function partOf({ stream, out, late, waiting, isDoubted, ended }: ChannelLife, node: string): LifePart {
  const isHere = (each: { readonly node: string }): boolean => each.node === node;
  // What the handler accepted here for another node's stream, while nobody could be told.
  const over = ended ?? (isDoubted && stream && !isHere(stream) && stream.id.later ? stream.id : undefined);
  return {
    ...(stream && isHere(stream) && { stream }),
    ...(out && isHere(out) && { out }),
    late: late.filter(isHere),
    waiting: waiting.filter(isHere),
    ...(isDoubted && { isDoubted }),
    ...(over && { ended: over }),
  };
}

export function isEmptyPart({ stream, out, late, waiting }: LifePart): boolean {
  return !stream && !out && late.length === 0 && waiting.length === 0;
}

/**
 * The registry does not answer, and the node continues with its own copy of the life. What other nodes wait for does not
 * hold it up; another node's stream stays as long as a publisher here may continue or replace it.
 */
export function alone(life: ChannelLife, node: string): Result {
  const part = partOf(life, node);
  const { out: _out, stream: _stream, ...rest } = life;
  const isWanted = part.stream !== undefined || part.out !== undefined || part.waiting.length > 0;
  const stream = isWanted ? life.stream : undefined;
  const next: ChannelLife = { ...rest, ...part, ...(stream && { stream }), isDoubted: true };
  const stood = part.stream?.state === 'held' && life.out !== undefined && part.out === undefined;
  return { life: next, effects: stood ? [grace(part.stream, true)] : [] };
}

/**
 * After an outage or a loss of the registry's data, a node says what it has of the channel. Of its own publishes the
 * node knows better; it cannot know of others'. So what is stored of the node is replaced, and what is stored of others
 * stays, except that a channel has one stream and one start that is out:
 * - A publish in `claimed` has had its stop when its node was taken for dead. It is over, also if the node has not heard
 *   that its turn had come.
 * - A stream that another publisher has continued or replaced (same id, or `after`) gives way to that one.
 * - Two publishers who did not know of each other: live wins over held, then who was there first. The other one's id
 *   gets its stop.
 * - Of two starts that are out, the stored one stays; the other counts as late, and its publisher may try again.
 */
export function asserted(life: ChannelLife, { node, part, now }: Asserted): Result {
  const effects: LifeEffect[] = [];
  const isClaimed = ({ publish }: { readonly publish: string }): boolean =>
    life.claimed?.some((each) => each.publish === publish) ?? false;
  const isOthers = (each: { readonly node: string }): boolean => each.node !== node;
  const storedOut = life.out && isOthers(life.out) ? life.out : undefined;
  let next: ChannelLife = {
    ...life,
    stream: life.stream && isOthers(life.stream) ? life.stream : undefined,
    out: storedOut,
    late: [...life.late.filter(isOthers), ...part.late.filter((start) => !isClaimed(start))],
    waiting: [...life.waiting.filter(isOthers), ...part.waiting.filter((candidate) => !isClaimed(candidate))],
    ...(part.isDoubted && { isDoubted: true }),
  };
  for (const candidate of part.waiting) if (isClaimed(candidate)) effects.push(refuse(candidate, { why: 'noAnswer' }));
  const become = ({ life: changed, effects: more }: Result): void => {
    next = changed;
    effects.push(...more);
  };
  // The start comes first: it may continue a stream that has to go.
  if (part.out) become(isClaimed(part.out) ? claimedOut(next, part.out) : placeOut(next, part.out, life.out));
  if (part.stream) {
    become(isClaimed(part.stream) ? over(next, part.stream) : place(next, part.stream));
    // An operator did not want it, and the word did not arrive before it was let in.
    const isUnwanted = life.out?.abandoned === true && life.out.publish === part.stream.publish;
    if (isUnwanted && next.stream?.publish === part.stream.publish) become(endThere(next, next.stream, 'killed'));
  }
  const { blockedUntil = 0 } = life;
  if (blockedUntil > now && !isEmptyPart(part)) become(clear(next, { why: 'blocked', until: blockedUntil }));
  effects.push(...leftOver(life.out, storedOut, next));
  if (life.stream && !isOthers(life.stream)) become(withLaterOf(life.stream.id, next));
  if (part.ended) become(withLaterOf(part.ended, next));
  const { stream } = next;
  if (stream?.state === 'held') effects.push(grace(stream, !next.out));
  return { life: next, effects };
}

/** A stop for it is due already, but perhaps not for what continued it since. */
function over(life: ChannelLife, { node, publish, id }: Stream): Result {
  return { life, effects: [{ kind: 'ended', node, publish, why: 'claimed' }, ...stopsOfLater(id.later)] };
}

function place(life: ChannelLife, mine: Stream): Result {
  const { stream: theirs } = life;
  if (!theirs) return { life: { ...life, stream: mine, provenKey: mine.keyHash }, effects: [] };
  const isOne = isOneId(mine.id, theirs.id);
  const isKnown = theirs.after === mine.publish || mine.after === theirs.publish;
  const winner = wins(mine, theirs, isOne) ? mine : theirs;
  const loser = winner === mine ? theirs : mine;
  const continues = isOne && mine.id.startJti === theirs.id.startJti;
  const id = isOne ? joined(winner.id, loser.id) : winner.id;
  const { node, publish } = loser;
  return {
    life: { ...life, stream: { ...winner, id }, provenKey: winner.keyHash },
    effects: [
      { kind: 'replaced', node, publish, continues, ...(!isKnown && !isOne && { conflict: true as const }) },
      ...(isOne ? [] : stopsOf(life, loser.id)),
    ],
  };
}

function isOneId(one: HandedId, other: HandedId): boolean {
  return one.stopJti === other.stopJti || (one.streamId !== '' && one.streamId === other.streamId);
}

/**
 * One id, of which two nodes had different records: its time counts from the first, the handler knows it by the last
 * start that did not just continue it.
 * Its stop stays the one that the node knows which serves it: that node may have to send it without the registry. So do
 * its orders, which that node has carried out; when they were given is not known.
 */
function joined(kept: HandedId, other: HandedId): HandedId {
  const [first, last] = kept.since <= other.since ? [kept, other] : [other, kept];
  const { startJti } = last.isResumed ? first : last;
  const starts = [kept, other].filter((id) => !id.isResumed && kept.startJti !== other.startJti).map(startOfId);
  const one = withOrders({ ...kept, since: first.since, startJti }, other);
  return withLater(one, [...starts, ...(other.later ?? [])]);
}

function wins(mine: Stream, theirs: Stream, isOne: boolean): boolean {
  if (theirs.after === mine.publish) return false;
  if (mine.after === theirs.publish) return true;
  if (mine.state !== theirs.state) return mine.state === 'live';
  if (mine.id.since !== theirs.id.since) return mine.id.since < theirs.id.since;
  return isOne ? false : mine.publish < theirs.publish;
}

function claimedOut(life: ChannelLife, out: StartOut): Result {
  const effects: LifeEffect[] = out.abandoned ? [] : [refuse(out, { why: 'noAnswer' })];
  return { life, effects: out.inherited ? [...effects, ...stopsOf(life, out.inherited)] : effects };
}

/** @param stored what the registry has as the start that is out, perhaps the same */
function placeOut(life: ChannelLife, out: StartOut, stored: StartOut | undefined): Result {
  if (!life.out) {
    const isSame = stored?.publish === out.publish;
    const inherited = out.inherited ?? (isSame ? stored.inherited : undefined);
    const merged: StartOut = {
      ...out,
      abandoned: out.abandoned || (isSame && stored.abandoned),
      closed: isSame ? [...new Set([...stored.closed, ...out.closed])] : out.closed,
      ...(inherited && { inherited }),
    };
    return { life: { ...life, out: merged }, effects: [] };
  }
  const { publish, node, startJti, about, resume } = out;
  const late: Start = { publish, node, startJti, about, ...(resume !== undefined && { resume }) };
  const effects: LifeEffect[] = out.abandoned ? [] : [refuse(out, { why: 'crowded' })];
  if (out.inherited) effects.push(...stopsOf(life, out.inherited));
  return { life: { ...life, late: [...life.late, late] }, effects };
}

/** The id that the node's start inherited while the node was away, and that no stream of it continues. */
function leftOver(stored: StartOut | undefined, kept: StartOut | undefined, life: ChannelLife): LifeEffect[] {
  const id = stored?.inherited;
  if (!id || stored === kept) return [];
  const isOwned = [life.stream?.id, life.out?.inherited].some((other) => other && isOneId(other, id));
  return isOwned ? [] : stopsOf(life, id);
}

/**
 * What was accepted, and ordered, for a stream that is over without those who ended it having known: it may continue
 * elsewhere.
 */
function withLaterOf(ended: HandedId, life: ChannelLife): Result {
  const { stream, out } = life;
  const { later = [] } = ended;
  // A later stream may have the same id, of a handler with one per channel: the orders were not for that one.
  const withRecord = (id: HandedId): HandedId => (id.stopJti === ended.stopJti ? withOrders(id, ended) : id);
  const continued = (id: HandedId): HandedId => withLater(withRecord(id), later);
  if (stream && isOneId(stream.id, ended)) {
    return { life: { ...life, stream: { ...stream, id: continued(stream.id) } }, effects: [] };
  }
  if (out?.inherited && isOneId(out.inherited, ended)) {
    return { life: { ...life, out: { ...out, inherited: continued(out.inherited) } }, effects: [] };
  }
  return { life, effects: stopsOfLater(later) };
}

function stopsOfLater(later: readonly LaterStart[] = []): LifeEffect[] {
  return later.map((start) => stopOfStart(start, ''));
}
