/**
 * What is known of one channel's publishes, as plain data: a registry stores it and changes it only through `step`, one
 * event at a time.
 *
 * ## The life of a publish
 * | state | means | where it stands | owns an id |
 * | --- | --- | --- | --- |
 * | candidate | waits for its turn to be asked about | `waiting` | no |
 * | asked | its start is out, nobody knows the answer | `out` | only what `inherited` says |
 * | live | let in, its publisher sends | `stream`, `live` | yes |
 * | held | its publisher was lost and may come back | `stream`, `held` | yes |
 * | resuming | live or held, and its id is offered to the start that is out | `stream` with `out` | yes |
 * | replaced | another publish has its channel | nowhere | no: moved, or its stop is due |
 * | ended | its stop is due | the store of pending stops | no |
 * | claimed | the same, of a node that died | the store of pending stops | no |
 *
 * | event | candidate | asked | live | held |
 * | --- | --- | --- | --- | --- |
 * | its turn | asked | | | |
 * | accepted | | live; ends or continues `stream` | | |
 * | refused | | gone; `stream` stays | | |
 * | no answer in time | | gone, its start is in `late` | | |
 * | publisher leaves | gone | stays out, abandoned | ended | |
 * | publisher lost | gone | stays out, abandoned | held | |
 * | grace over | | | | ended, unless a start is out |
 * | kill, block | refused | refused, stays out, abandoned | ended | ended |
 * | its node dies | gone | stop by `start_jti` | claimed | claimed |
 * | registry away | its own node asks at once | stays out | live | held, its clock runs |
 * | registry back, `asserted` | waits in turn | stays out | live, or replaced by a rival | held, or replaced by a rival |
 * | asserted, but claimed | refused | refused | ended, no second stop | ended, no second stop |
 *
 * ## What holds in every state
 * - An id stands in one place: `stream.id` or `out.inherited`. A stop is due exactly when it leaves that place without
 *   arriving in the other.
 * - A start has a place, `out` or `late`, from before the handler is asked until its fate is known. `out` is one start
 *   at most: candidates are asked about one after another.
 * - While a start is out an id that loses its publisher is not stopped: the answer may continue it.
 */
export interface ChannelLife {
  /** Who has the channel. */
  readonly stream?: Stream | undefined;
  /** The start that the handler is being asked about. */
  readonly out?: StartOut | undefined;
  /** Starts that were not answered in time; an answer may still come. */
  readonly late: readonly LateStart[];
  /** In the order of arrival. */
  readonly waiting: readonly Candidate[];
  /** Advances with each turn; see turns.ts. */
  readonly round: number;
  /** Hash of the key that the handler accepted last; candidates with that key are asked about first. */
  readonly provenKey?: string | undefined;
  /** An operator keeps the channel free until then (ms since the epoch). */
  readonly blockedUntil?: number | undefined;
  /** Publishes of nodes that were taken for dead, and whose stops are due: such a node may live and assert them. */
  readonly claimed?: readonly Claimed[];
  /**
   * The registry has lost data, nodes have acted without it, or one has died: a handler that does not give each stream an
   * id of its own may know the stream by another start.
   */
  readonly isDoubted?: boolean;
  /** Only in a node's own copy: the id of the stream of which others have told the node that it is over. */
  readonly ended?: HandedId;
}

export interface Claimed {
  readonly publish: string;
  /** How long it is remembered (ms since the epoch). */
  readonly until: number;
}

/** One publish attempt, and the start that asks about it. */
export interface Start {
  /** Unique for all time; also the `jti` of the stop that this start may need. */
  readonly publish: string;
  /** The node and its incarnation that the publisher is connected to. */
  readonly node: string;
  /** The `jti` of the start event. */
  readonly startJti: string;
  /** What else the stop callback has to say; never read here. */
  readonly about: string;
  /** The id that is offered to be continued. */
  readonly resume?: string;
}

export interface LateStart extends Start {
  /** The start that had given the channel's id when this one was asked about. */
  readonly former?: string;
}

export interface Candidate extends Start {
  readonly keyHash: string;
  /** The address group that its turns are charged to. */
  readonly group: string;
  readonly round: number;
}

export interface StartOut extends Candidate {
  /** Its publisher has gone, or an operator does not want it: whatever the answer, nobody is let in. */
  readonly abandoned: boolean;
  /** The id of the stream that ended while this start was out. */
  readonly inherited?: HandedId;
  /** Ids that an operator has closed while this start was out. */
  readonly closed: readonly string[];
}

/** An id that the handler handed out, with what its one stop needs. */
export interface HandedId {
  /** Empty when the handler gives none. */
  readonly streamId: string;
  /** The `jti` of the start that gave it. */
  readonly startJti: string;
  /** The `jti` of its one stop, the same through all who continue the stream. */
  readonly stopJti: string;
  readonly about: string;
  /** When its first publisher was let in (ms since the epoch): limits of its duration count from here. */
  readonly since: number;
  /** The start only continued the id: of the start that gave it the registry had lost the record. */
  readonly isResumed?: boolean;
  /** What operators have ordered of the stream's outputs, for whoever continues it. Never read here. */
  readonly orders?: string;
  /** Of a handler without ids: the last starts that were accepted for the same stream. */
  readonly later?: readonly LaterStart[];
}

export type LaterStart = Pick<Start, 'publish' | 'startJti' | 'about'>;

export interface Stream {
  readonly publish: string;
  readonly node: string;
  readonly keyHash: string;
  readonly state: 'live' | 'held';
  readonly id: HandedId;
  /** It took the channel over from a live publisher and still sends: it is not taken over in its turn. */
  readonly keeps: boolean;
  /** Its node is draining: others may continue it. */
  readonly leaving: boolean;
  /** For look-ups by other nodes; never read here. */
  readonly playKeyHash: string;
  /** The last publish on another node that it took the channel from: that one does not get the channel back. */
  readonly after?: string;
}

export const EMPTY_LIFE: ChannelLife = { late: [], waiting: [], round: 0 };

/** Until when the life has to be kept (ms since the epoch); Infinity while somebody has a part in it. */
export function keptUntil({ stream, out, late, waiting, blockedUntil = 0, claimed = [] }: ChannelLife): number {
  if (stream ?? out ?? late[0] ?? waiting[0]) return Infinity;
  return Math.max(blockedUntil, ...claimed.map(({ until }) => until));
}

/** Whether nothing of the channel has to be kept. */
export function isOver(life: ChannelLife, now: number): boolean {
  return keptUntil(life) <= now;
}
