import type { ChannelLife } from '../publishing/channel-life';

/** What operators are told of a channel's life. Hashes of keys are no part of it. */
export interface ChannelStanding {
  /** Who has the channel; `starting`: nobody yet, and the callback is being asked about a publisher of that node. */
  readonly owner: {
    readonly node: string;
    readonly state: 'starting' | 'live' | 'held';
    readonly streamId: string;
    /** When its first publisher was let in (ms since the epoch); undefined while starting. */
    readonly since: number | undefined;
  } | null;
  /** How much longer an operator keeps publishers out; 0: not at all, or not known. */
  readonly blockedSeconds: number;
}

export const UNKNOWN_STANDING: ChannelStanding = { owner: null, blockedSeconds: 0 };

/** @param now milliseconds since the epoch */
export function standingOf({ stream, out, blockedUntil = 0 }: ChannelLife, now: number): ChannelStanding {
  const blockedSeconds = Math.max(0, Math.ceil((blockedUntil - now) / 1000));
  if (stream) {
    const { state, id } = stream;
    const { streamId, since } = id;
    return { owner: { node: nodeOf(stream.node), state, streamId, since }, blockedSeconds };
  }
  if (!out || out.abandoned) return { owner: null, blockedSeconds };
  return { owner: { node: nodeOf(out.node), state: 'starting', streamId: '', since: undefined }, blockedSeconds };
}

/** The id of a node that lives name `<id>/<incarnation>` or, within one machine, `<id>`. */
function nodeOf(member: string): string {
  return member.replace(/\/[^/]*$/, '');
}
