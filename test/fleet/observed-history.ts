import type { PlayerSeen } from './observed-viewers';

/** What an observer outside of the fleet has seen, and its judgement. All times in ms of one clock. */
export interface History {
  readonly starts: StartSeen[];
  readonly stops: StopSeen[];
  readonly publishers: PublisherSeen[];
  readonly players: PlayerSeen[];
  readonly troubles: Trouble[];
  /** When the observer stopped looking at steady publishers and viewers. */
  until?: number;
  /** After all had left: why a channel could not be published and watched again. */
  readonly closed: string[];
  /** Keys of channels and stops that were left in Redis, and do not expire. */
  readonly left: string[];
}

export const emptyHistory = ({ starts, stops }: Pick<History, 'starts' | 'stops'>): History => ({
  ...{ starts, stops, publishers: [], players: [], troubles: [], closed: [], left: [] },
});

/** A request of the handler: a repeated one has the same `jti`. */
export interface StartSeen {
  readonly at: number;
  readonly channel: string;
  readonly publisher: string;
  readonly jti: string;
  /** When the handler answered or hung up. */
  answered?: number;
  /** The id with which the handler accepted it, also where the answer was lost. */
  id?: string;
  /** The handler hung up before it had decided. */
  undecided?: boolean;
}

export interface StopSeen {
  readonly at: number;
  readonly channel: string;
  readonly id: string;
  readonly startJti: string;
  readonly jti: string;
  /** Answered with 200. */
  readonly taken: boolean;
}

export interface PublisherSeen {
  readonly name: string;
  readonly channel: string;
  readonly node: number;
  /** When `publish` was sent. */
  readonly asked: number;
  accepted?: number;
  /** When it left, was told to, or lost its connection. */
  ended?: number;
  /** The description that it was refused with. */
  refused?: string;
  /** It has a channel of its own, and never leaves: it publishes again when the server has ended it. */
  readonly isSteady?: boolean;
  /** Why the server has ended it. */
  lost?: string;
}

/** What the observer does to the fleet; `observer`: it did not look itself. */
export type TroubleKind = NodeTrouble | RedisTrouble | WireTrouble | SideTrouble | 'observer';

/** A process is killed, stands still, or is asked to end; each starts or continues some time later. */
export type NodeTrouble = 'kill' | 'freeze' | 'term';

/** Redis stands still for moments, restarts, loses its memory, fails over, has no memory left, or refuses all commands. */
export type RedisTrouble = 'pause' | 'restart' | 'loss' | 'failover' | 'full' | 'refusal';

/** A node is cut off from Redis, from another node, or from all; its ways, or those of all to Redis, are slow and lossy. */
export type WireTrouble = 'cut' | 'split' | 'island' | 'slow' | 'distant';

/** What is none of these: handler, clocks, disks, descriptors, certificates, secrets, targets of outputs. */
export type SideTrouble =
  | 'handler-down'
  | 'handler-slow'
  | 'handler-fails'
  | 'clock'
  | 'disk'
  | 'log-disk'
  | 'descriptors'
  | 'certificate'
  | 'secret'
  | 'target'
  | 'store'
  | 'outputs';

export interface Trouble {
  readonly kind: TroubleKind;
  /** The node that it is done to; undefined: to all, or to none. */
  readonly node?: number;
  /** The other node of a `split`. */
  readonly other?: number;
  readonly from: number;
  to: number;
}

export const GRACE_MS = 3_000;
export const ANSWER_MS = 3_000;
/** After this time from the end of a trouble the nodes have noticed, and agree again. */
export const SETTLED_MS = 8_000;
/** What a slow machine may add to a message's way. */
export const SLOW_MS = 4_000;

/** With these, nodes are without Redis, one of them or all. */
export const AWAY: readonly TroubleKind[] = [
  ...(['pause', 'restart', 'loss', 'failover', 'full', 'refusal'] as const),
  ...(['cut', 'island', 'slow', 'distant'] as const),
];
/** With these, Redis may lose what it was told last. */
export const LOSSES: readonly TroubleKind[] = ['loss', 'failover'];
/** With these, the other nodes may count a node as dead while its clients are still there. */
export const ABSENT: readonly TroubleKind[] = ['freeze', 'cut', 'island', 'slow'];

/** Whether a trouble of these kinds, with the time until all have noticed its end, falls into the time. */
export function troubled(
  history: History,
  kinds: readonly TroubleKind[],
  from: number,
  to: number,
  node?: number,
): boolean {
  return history.troubles.some(
    (trouble) =>
      kinds.includes(trouble.kind) &&
      (node === undefined || trouble.node === node) &&
      trouble.from < to &&
      trouble.to + SETTLED_MS > from,
  );
}
