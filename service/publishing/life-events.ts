import type { Candidate, ChannelLife, HandedId, Start } from './channel-life';

/** How the fleet treats those who want a channel that is taken. */
export interface LifePolicy {
  /** A publisher with the same key may replace the one that is there. */
  readonly takeover: boolean;
  /** Channels are held for lost publishers, and streams may be continued. */
  readonly resumes: boolean;
}

export type Answer =
  | { readonly kind: 'accepted'; readonly streamId: string; readonly playKeyHash: string }
  /** The handler said no, or can never have had the question. */
  | { readonly kind: 'refused'; readonly final: boolean; readonly reason: string }
  /** There is none in time; one may still come. */
  | { readonly kind: 'late' }
  /** There will be none, although the handler may have accepted. */
  | { readonly kind: 'unknown' };

export type LifeEvent =
  | { readonly kind: 'come'; readonly candidate: Omit<Candidate, 'round' | 'resume'>; readonly now: number }
  /** The publisher of a candidate, asked about or not, has gone. */
  | { readonly kind: 'gone'; readonly publish: string }
  | { readonly kind: 'answered'; readonly start: Start; readonly answer: Answer; readonly now: number }
  /** A live publisher was lost and may come back. */
  | { readonly kind: 'lost'; readonly publish: string }
  /** A live publisher is done. */
  | { readonly kind: 'left'; readonly publish: string }
  | { readonly kind: 'graceOver'; readonly publish: string }
  | { readonly kind: 'keeps'; readonly publish: string; readonly keeps: boolean }
  /** See `HandedId.orders`. */
  | { readonly kind: 'ordered'; readonly publish: string; readonly orders: string }
  | { readonly kind: 'draining'; readonly node: string }
  | { readonly kind: 'nodeDead'; readonly node: string; readonly now: number }
  /** The registry does not answer: the node continues with its own copy of the life. */
  | { readonly kind: 'alone'; readonly node: string }
  /** The registry answers again, or has lost data: what the node has of the channel; see asserted.ts. */
  | { readonly kind: 'asserted'; readonly node: string; readonly part: LifePart; readonly now: number }
  /** Operators' commands. `close` ends one stream only. */
  | { readonly kind: 'kill' }
  | { readonly kind: 'close'; readonly streamId: string }
  | { readonly kind: 'block'; readonly until: number }
  | { readonly kind: 'unblock' };

/** What one node has of a life. */
export type LifePart = Pick<ChannelLife, 'stream' | 'out' | 'late' | 'waiting' | 'isDoubted' | 'ended'>;

/** Why a publisher is not let in. */
export type Refusal =
  /** Another publisher has the channel. */
  | { readonly why: 'busy' }
  /** The store of lives cannot be reached, and the policy is to wait for it. */
  | { readonly why: 'unreachable' }
  /** Too many wait for the channel. */
  | { readonly why: 'crowded' }
  | { readonly why: 'killed' }
  | { readonly why: 'blocked'; readonly until: number }
  | { readonly why: 'noAnswer' }
  | { readonly why: 'refused'; readonly final: boolean; readonly reason: string };

/** A stop callback that is due. */
export interface DueStop {
  readonly jti: string;
  /** Empty: what the start gave is not known, or the handler gives no ids. */
  readonly streamId: string;
  readonly startJti: string;
  readonly about: string;
}

/** What has to be done after an event. Those of one node are carried out there in this order. */
export type LifeEffect =
  /** The start, whose place is in the life already, is to be sent. */
  | { readonly kind: 'ask'; readonly node: string; readonly start: Start }
  | { readonly kind: 'refuse'; readonly node: string; readonly publish: string; readonly refusal: Refusal }
  /** `continues`: the former publisher's stream continues, players notice nothing. */
  | {
      readonly kind: 'letIn';
      readonly node: string;
      readonly publish: string;
      readonly id: HandedId;
      readonly continues: boolean;
      /** See `Stream.keeps`. */
      readonly keeps: boolean;
    }
  /** Another publish has the channel. `conflict`: neither publisher knew of the other, nobody asked for a takeover. */
  | {
      readonly kind: 'replaced';
      readonly node: string;
      readonly publish: string;
      readonly continues: boolean;
      readonly conflict?: true;
    }
  /**
   * The stream is over: an operator ended it, its publisher did not come back, or its node was taken for dead and
   * another node sends the stop.
   */
  | {
      readonly kind: 'ended';
      readonly node: string;
      readonly publish: string;
      readonly why: 'killed' | 'notBack' | 'claimed';
    }
  /** The grace clock of a held stream runs, or stands still. */
  | { readonly kind: 'grace'; readonly node: string; readonly publish: string; readonly runs: boolean }
  /** To be stored in the same step as the life. */
  | { readonly kind: 'stop'; readonly stop: DueStop };

export interface Step<Life> {
  readonly life: Life;
  readonly effects: readonly LifeEffect[];
}
