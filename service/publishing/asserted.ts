import type { ChannelLife, HandedId, Start, StartOut, Stream } from './channel-life';
import { grace, refuse, type Result, stopOf } from './effects';
import { endThere } from './endings';
import type { LifeEffect, LifeEvent, LifePart } from './life-events';

type Asserted = Extract<LifeEvent, { readonly kind: 'asserted' }>;

/** What a node has of a life. */
export function partOf({ stream, out, late, waiting }: ChannelLife, node: string): LifePart {
  const isHere = (each: { readonly node: string }): boolean => each.node === node;
  return {
    ...(stream && isHere(stream) && { stream }),
    ...(out && isHere(out) && { out }),
    late: late.filter(isHere),
    waiting: waiting.filter(isHere),
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
  const next: ChannelLife = { ...rest, ...part, ...(stream && { stream }) };
  const stood = part.stream?.state === 'held' && life.out !== undefined && part.out === undefined;
  return { life: next, effects: stood ? [grace(part.stream, true)] : [] };
}

/**
 * After an outage or a loss of the registry's data, a node says what it has of the channel. Of its own publishes the
 * node knows better; it cannot know of others'. So what is stored of the node is replaced, and what is stored of others
 * stays, except that a channel has one stream and one start that is out:
 * - A publish in `claimed` has had its stop when its node was taken for dead. It is over.
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
    waiting: [...life.waiting.filter(isOthers), ...part.waiting],
  };
  if (part.stream) {
    const placed = isClaimed(part.stream) ? over(next, part.stream) : place(next, part.stream, now);
    next = placed.life;
    effects.push(...placed.effects);
    // An operator did not want it, and the word did not arrive before it was let in.
    if (
      life.out?.publish === part.stream.publish &&
      life.out.abandoned &&
      next.stream?.publish === part.stream.publish
    ) {
      const ended = endThere(next, next.stream, 'killed');
      next = ended.life;
      effects.push(...ended.effects);
    }
  }
  if (part.out) {
    const placed = isClaimed(part.out) ? claimedOut(next, part.out) : placeOut(next, part.out, life.out);
    next = placed.life;
    effects.push(...placed.effects);
  }
  effects.push(...leftOver(life.out, storedOut, next));
  const { stream } = next;
  if (stream?.state === 'held') effects.push(grace(stream, !next.out));
  return { life: next, effects };
}

/** A stop for it is due already. */
function over(life: ChannelLife, { node, publish }: Stream): Result {
  return { life, effects: [{ kind: 'ended', node, publish, why: 'claimed' }] };
}

function place(life: ChannelLife, mine: Stream, now: number): Result {
  const { stream: theirs, blockedUntil = 0 } = life;
  if (!theirs) {
    const placed = { ...life, stream: mine, provenKey: mine.keyHash };
    return blockedUntil > now ? endThere(placed, mine, 'killed') : { life: placed, effects: [] };
  }
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
      ...(isOne ? [] : [stopOf(loser.id)]),
    ],
  };
}

function isOneId(one: HandedId, other: HandedId): boolean {
  return one.stopJti === other.stopJti || (one.streamId !== '' && one.streamId === other.streamId);
}

/**
 * One id, of which two nodes had different records: its time counts from the first, the handler knows the last start.
 * Its stop stays the one that the node knows which serves it: that node may have to send it without the registry.
 */
function joined(kept: HandedId, other: HandedId): HandedId {
  const [first, last] = kept.since <= other.since ? [kept, other] : [other, kept];
  return { ...kept, since: first.since, startJti: last.startJti };
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
  return { life, effects: out.inherited ? [...effects, stopOf(out.inherited)] : effects };
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
  if (out.inherited) effects.push(stopOf(out.inherited));
  return { life: { ...life, late: [...life.late, late] }, effects };
}

/** The id that the node's start inherited while the node was away, and that no stream of it continues. */
function leftOver(
  stored: StartOut | undefined,
  kept: StartOut | undefined,
  { stream, out }: ChannelLife,
): LifeEffect[] {
  const id = stored?.inherited;
  if (!id || stored === kept) return [];
  const isOwned = [stream?.id, out?.inherited].some((other) => other && isOneId(other, id));
  return isOwned ? [] : [stopOf(id)];
}
