import { BoundedMap } from '../collections/bounded-map';
import { type MonotonicClock, monotonicNow } from '../time/clock';

/** Players of a channel that come to one worker before the next worker gets some. */
const CROWD = 8;
/** After this long without a new player, the next one comes to the first worker again (ms). */
const QUIET_MS = 10_000;
const MAX_REMEMBERED = 10_000;

/**
 * Spreads the players of a channel over workers while many come. For few players, a second worker costs more than it
 * saves: it would fetch the stream for them.
 */
export class Crowds {
  readonly #channels = new BoundedMap<string, { players: number; at: number }>(MAX_REMEMBERED);
  readonly #now: MonotonicClock;

  constructor(now: MonotonicClock = monotonicNow) {
    this.#now = now;
  }

  /** For the next player of this channel: how many workers to go on from the first. */
  next(channel: string): number {
    const now = this.#now();
    const known = this.#channels.get(channel);
    const players = known === undefined || now - known.at > QUIET_MS ? 0 : known.players;
    this.#channels.set(channel, { players: players + 1, at: now });
    return Math.floor(players / CROWD);
  }
}
