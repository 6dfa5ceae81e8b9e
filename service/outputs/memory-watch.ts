import { constrainedMemory } from 'node:process';
import { totalmem } from 'node:os';
import type { Logger } from '../logging/logger';

export interface MemoryWatchOptions {
  /** What buffers and heap of this program may take (bytes). */
  readonly budgetBytes: number;
  /** Leaves everything out until the next keyframe, in all streams. */
  readonly shed: () => void;
  readonly log: Logger;
  /** Default: this process's. */
  readonly used?: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** Of the memory of the container or machine: alone in a container, and beside the node that it is a child of. */
const SIDECAR_SHARE = 0.7;
const CHILD_SHARE = 0.25;
/** How often a warning of the same kind is logged (ms). */
const WARN_MS = 10_000;
const LOOK_MS = 250;
/** A look that comes so late (ms) means that the program does not keep up. */
const LATE_MS = 2_000;

/**
 * Bounds the memory of the program, whatever its outputs keep: beyond the budget, streams are left out up to their next
 * keyframe, which outputs and events count as gaps. Also says when the program is too slow; then the node leaves groups
 * of pictures out by itself.
 */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  readonly #now: () => number;
  readonly #used: () => number;
  #timer: NodeJS.Timeout | undefined;
  #lookedAt: number;
  #warnedAt = -Infinity;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#used = options.used ?? usedBytes;
    this.#lookedAt = this.#now();
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  look(): void {
    const { budgetBytes, shed } = this.#options;
    const now = this.#now();
    const lateMs = now - this.#lookedAt - LOOK_MS;
    this.#lookedAt = now;
    const used = this.#used();
    if (used > budgetBytes) {
      shed();
      this.#warn('short of memory: streams are left out up to their next keyframe', { used, budgetBytes });
    } else if (lateMs > LATE_MS) {
      this.#warn('rtmp-outputs is too slow for its streams', { lateMs: Math.round(lateMs) });
    }
  }

  #warn(message: string, fields: Readonly<Record<string, number>>): void {
    const now = this.#now();
    if (now - this.#warnedAt < WARN_MS) return;
    this.#warnedAt = now;
    this.#options.log.warning(message, fields);
  }
}

/** @param limit of the container, as the system reports it (bytes); 0 or more than `total`: no limit */
export function outputsMemoryBudget(isChild: boolean, limit = constrainedMemory(), total = totalmem()): number {
  const available = limit > 0 && limit < total ? limit : total;
  return Math.floor(available * (isChild ? CHILD_SHARE : SIDECAR_SHARE));
}

function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
