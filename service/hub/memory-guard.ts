import { constrainedMemory } from 'node:process';
import { totalmem } from 'node:os';
import type { Logger } from '../logging/logger';
import { FaultRateLimit } from '../logging/rate-limit';
import type { LiveStream } from './live-stream';
import type { Player } from './player';

export interface MemoryGuardOptions {
  /** Limit of the memory in media and other buffers, and in the heap beyond ORDINARY_HEAP_BYTES (bytes). */
  readonly budgetBytes: number;
  readonly log: Logger;
  readonly streams: () => Iterable<LiveStream>;
  /** All players, those included that wait for a stream: what the last one sent them may be unsent. */
  readonly players: () => Iterable<Player>;
  /** Memory in buffers now, including those that wait for the garbage collector (bytes). */
  readonly used: () => number;
  /** The JavaScript heap now, and the size at which the engine ends the process (bytes). */
  readonly heap: () => { readonly used: number; readonly limit: number };
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/**
 * Shares of the budget: above the first, memory is freed down to the second; above the third, new publishers are
 * refused.
 */
const RELIEF_AT = 0.85;
const RELIEF_TO = 0.7;
const TIGHT_AT = 0.9;
/** A heap up to this size is a busy node's, garbage included, and does not count towards the budget. */
const ORDINARY_HEAP_BYTES = 256 * 1024 * 1024;
/** Pause after freeing memory, until the garbage collector has run (ms); none while a limit is all but reached. */
const SETTLE_MS = 2_000;
/** Players with fewer unsent bytes hold too little memory to be worth disconnecting. */
const SLOW_PLAYER_BYTES = 1024 * 1024;
/** Share of the machine's or container's memory that is the default budget. */
const DEFAULT_SHARE = 0.6;

/**
 * Keeps the memory of all streams of a node within a budget. Near the limit it frees what is missed least first: the
 * cached starts of streams that nobody plays, the largest first; then the players with the most unsent bytes, which it
 * disconnects; then the cached starts of all other streams. New publishers are refused meanwhile; live streams
 * continue.
 */
export class MemoryGuard {
  readonly #options: MemoryGuardOptions;
  readonly #faults: FaultRateLimit;
  #relievedAt = -Infinity;
  #used = 0;
  /** The heap at the last check, as a share of its limit. */
  #heapShare = 0;
  /** How many cached starts were dropped, and players disconnected, so far. */
  readonly relieved = { caches: 0, players: 0 };

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
    this.#faults = new FaultRateLimit(options.log);
  }

  get budgetBytes(): number {
    return this.#options.budgetBytes;
  }

  /** Memory in buffers, and in the heap beyond ORDINARY_HEAP_BYTES, at the last check (bytes). */
  get usedBytes(): number {
    return this.#used;
  }

  /** Whether there is no memory for another publisher. */
  get isTight(): boolean {
    return this.#used > TIGHT_AT * this.budgetBytes || this.#heapShare > TIGHT_AT;
  }

  /** Checks the memory; to be called a few times a second. */
  tick(): void {
    const { budgetBytes, used, now } = this.#options;
    const heap = this.#options.heap();
    this.#used = used() + Math.max(0, heap.used - ORDINARY_HEAP_BYTES);
    this.#heapShare = heap.used / heap.limit;
    if (this.#used <= RELIEF_AT * budgetBytes && this.#heapShare <= RELIEF_AT) return;
    const isUrgent = this.#used > budgetBytes || this.#heapShare > TIGHT_AT;
    if (!isUrgent && now() - this.#relievedAt < SETTLE_MS) return;
    this.#relievedAt = now();
    this.#relieve(Math.max(this.#used - RELIEF_TO * budgetBytes, heap.used - RELIEF_TO * heap.limit));
  }

  #relieve(bytes: number): void {
    const streams = [...this.#options.streams()];
    const before = { ...this.relieved };
    let left = bytes;
    left = this.#dropCaches(streams, left, (stream) => stream.playerCount === 0);
    left = this.#disconnectSlow(left);
    this.#dropCaches(streams, left, () => true);
    const caches = this.relieved.caches - before.caches;
    const players = this.relieved.players - before.players;
    this.#faults.report('warning', 'memory', 'memory is short', {
      used_mb: Math.round(this.#used / 2 ** 20),
      budget_mb: Math.round(this.budgetBytes / 2 ** 20),
      heap_percent: Math.round(this.#heapShare * 100),
      caches,
      players,
    });
  }

  /** Drops cached starts, the largest first, until `bytes` are freed; returns how many are still to be freed. */
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

  /**
   * Disconnects the players with the most unsent bytes until `bytes` are freed; returns how many are still to be freed.
   */
  #disconnectSlow(bytes: number): number {
    let left = bytes;
    const unsent = (player: Player): number => player.outlet.unsentBytes;
    const slow = [...this.#options.players()].filter((player) => unsent(player) > SLOW_PLAYER_BYTES);
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
 * The default budget of each worker process (bytes): a share of the container's memory or, if that is not limited, of
 * the machine's.
 *
 * @param limit of the container, as the system reports it (bytes); 0 or more than `total`: no limit
 */
export function defaultMemoryBudget(workers: number, limit = constrainedMemory(), total = totalmem()): number {
  const available = limit > 0 && limit < total ? limit : total;
  return Math.floor((available * DEFAULT_SHARE) / workers);
}
