import { constrainedMemory } from 'node:process';
import { totalmem } from 'node:os';
import type { Logger } from '../logging/logger';
import { FaultRateLimit } from '../logging/rate-limit';
import type { LiveStream } from './live-stream';
import type { Player } from './player';

export interface MemoryGuardOptions {
  /** What media and everything else in buffers may take (bytes). */
  readonly budgetBytes: number;
  readonly log: Logger;
  readonly streams: () => Iterable<LiveStream>;
  /** What buffers take now, those that the garbage collector has not found yet included (bytes). */
  readonly used: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** Parts of the budget: from here on memory is given back, down to there; no new publisher is let in beyond the last. */
const RELIEF_AT = 0.85;
const RELIEF_TO = 0.7;
const TIGHT_AT = 0.9;
/** How long the garbage collector gets until what was given back counts (ms), unless the budget is exceeded. */
const SETTLE_MS = 2_000;
/** A player with less unsent (bytes) is not what takes the memory. */
const SLOW_PLAYER_BYTES = 1024 * 1024;
/** Part of the machine's or container's memory that is the budget by default. */
const DEFAULT_SHARE = 0.6;

/**
 * Keeps what all streams of a node hold in memory within a budget. Near it, what is missed least goes first: cached
 * starts of streams that nobody plays, the largest first; then players that have the most unsent; then the cached starts
 * of all others. New publishers are turned away meanwhile. Live streams go on.
 */
export class MemoryGuard {
  readonly #options: MemoryGuardOptions;
  readonly #faults: FaultRateLimit;
  #relievedAt = -Infinity;
  #used = 0;
  /** How many cached starts were dropped, and players disconnected, so far. */
  readonly relieved = { caches: 0, players: 0 };

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
    this.#faults = new FaultRateLimit(options.log);
  }

  get budgetBytes(): number {
    return this.#options.budgetBytes;
  }

  /** What buffers took at the last look (bytes). */
  get usedBytes(): number {
    return this.#used;
  }

  /** Whether there is no memory for another publisher. */
  get isTight(): boolean {
    return this.#used > TIGHT_AT * this.budgetBytes;
  }

  /** Looks at the memory; to be called a few times a second. */
  tick(): void {
    const { budgetBytes, used, now } = this.#options;
    this.#used = used();
    if (this.#used <= RELIEF_AT * budgetBytes) return;
    if (this.#used <= budgetBytes && now() - this.#relievedAt < SETTLE_MS) return;
    this.#relievedAt = now();
    this.#relieve(this.#used - RELIEF_TO * budgetBytes);
  }

  #relieve(bytes: number): void {
    const streams = [...this.#options.streams()];
    const before = { ...this.relieved };
    let left = bytes;
    left = this.#dropCaches(streams, left, (stream) => stream.playerCount === 0);
    left = this.#disconnectSlow(streams, left);
    this.#dropCaches(streams, left, () => true);
    const caches = this.relieved.caches - before.caches;
    const players = this.relieved.players - before.players;
    this.#faults.report('warning', 'memory', 'memory is short', {
      used_mb: Math.round(this.#used / 2 ** 20),
      budget_mb: Math.round(this.budgetBytes / 2 ** 20),
      caches,
      players,
    });
  }

  /** Drops cached starts, the largest first, until so much is given back; returns what is left of it. */
  #dropCaches(streams: readonly LiveStream[], bytes: number, mayDrop: (stream: LiveStream) => boolean): number {
    let left = bytes;
    const cached = streams.filter((stream) => stream.cachedBytes > 0 && mayDrop(stream));
    for (const stream of cached.sort((a, b) => b.cachedBytes - a.cachedBytes)) {
      if (left <= 0) break;
      left -= stream.cachedBytes;
      stream.clearCache();
      this.relieved.caches += 1;
    }
    return left;
  }

  /** Disconnects the players that have the most unsent; returns what is left. */
  #disconnectSlow(streams: readonly LiveStream[], bytes: number): number {
    let left = bytes;
    const unsent = (player: Player): number => player.outlet.unsentBytes;
    const slow = streams.flatMap((stream) => stream.players.filter((player) => unsent(player) > SLOW_PLAYER_BYTES));
    for (const player of slow.sort((a, b) => unsent(b) - unsent(a))) {
      if (left <= 0) break;
      left -= unsent(player);
      this.relieved.players += 1;
      player.listener.tooSlow(`${unsent(player)} bytes unsent while the server is short of memory`);
    }
    return left;
  }
}

/**
 * The budget where none is set: a part of what the container, or else the machine, has, shared by its worker processes.
 *
 * @param limit what the system says (bytes); 0 or more than there is: no limit
 */
export function defaultMemoryBudget(workers: number, limit = constrainedMemory(), total = totalmem()): number {
  const available = limit > 0 && limit < total ? limit : total;
  return Math.floor((available * DEFAULT_SHARE) / workers);
}
