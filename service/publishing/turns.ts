import type { Candidate, ChannelLife } from './channel-life';
import { isSameKey } from './key-hashes';

/** Most candidates that wait for one channel. */
export const MAX_WAITING = 16;

/**
 * Candidates take turns by address: the first of an address that has none belongs to the current round, each further
 * one to the round after. An address with many connections waits behind the others' first.
 */
export function queue(life: ChannelLife, candidate: Omit<Candidate, 'round'>): ChannelLife {
  const ofGroup = [...life.waiting, ...(life.out ? [life.out] : [])].filter(({ group }) => group === candidate.group);
  const round = Math.max(life.round, ...ofGroup.map((other) => other.round + 1));
  return { ...life, waiting: [...life.waiting, { ...candidate, round }] };
}

/** Whose turn is next: who has the key that was accepted last, then the earliest round, then who came first. */
export function nextInTurn({ waiting, provenKey }: ChannelLife): Candidate | undefined {
  const rank = (candidate: Candidate): number => (isSameKey(candidate.keyHash, provenKey) ? -1 : candidate.round);
  let next: Candidate | undefined;
  for (const candidate of waiting) if (!next || rank(candidate) < rank(next)) next = candidate;
  return next;
}

/** Who has to go when too many wait: the latest of the last round; nobody with the key that was accepted last. */
export function surplus({ waiting, provenKey }: ChannelLife): Candidate | undefined {
  if (waiting.length <= MAX_WAITING) return undefined;
  let last: Candidate | undefined;
  for (const candidate of waiting) {
    if (!isSameKey(candidate.keyHash, provenKey) && (!last || candidate.round >= last.round)) last = candidate;
  }
  return last ?? waiting.at(-1);
}
