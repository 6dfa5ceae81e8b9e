import { EventLoopDelay } from '../../metrics/event-loop-delay';
import type { TrafficCounters } from '../../metrics/traffic-counters';
import type { NodeLoad } from './schemas/node';

/** Figures are averages over at least this long (ms). */
const WINDOW_MS = 5_000;
/** Measuring delays wakes the process up 50 times a second, so it ends when nobody has asked for this long (ms). */
const UNWATCHED_MS = 60_000;

export interface LoadSources {
  readonly traffic: Pick<TrafficCounters, 'bytesIn' | 'bytesOut'>;
  readonly memory: { readonly usedBytes: number; readonly budgetBytes: number };
  /** User and system time of the process (µs). */
  readonly cpuMicroseconds?: () => number;
}

interface Sample {
  readonly at: number;
  readonly cpu: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** How busy the process is, averaged over some seconds. */
export class LoadMeter {
  readonly #sources: LoadSources;
  readonly #delay = new EventLoopDelay();
  #last: Sample;
  #cpu = 0;
  #delayMs = 0;
  #askedAt = -Infinity;
  #inKbps = 0;
  #outKbps = 0;

  constructor(sources: LoadSources, now: number) {
    this.#sources = sources;
    this.#last = this.#sample(now);
  }

  /** To be called once a second (ms). */
  tick(now: number): void {
    const elapsedMs = now - this.#last.at;
    if (elapsedMs < WINDOW_MS) return;
    const next = this.#sample(now);
    const { cpu, bytesIn, bytesOut } = this.#last;
    this.#cpu = Math.round((next.cpu - cpu) / elapsedMs / 10) / 100;
    this.#inKbps = Math.round(((next.bytesIn - bytesIn) * 8) / elapsedMs);
    this.#outKbps = Math.round(((next.bytesOut - bytesOut) * 8) / elapsedMs);
    if (now - this.#askedAt < UNWATCHED_MS) this.#delayMs = Math.round(this.#delay.read().p99 * 10_000) / 10;
    else this.#delay.stop();
    this.#last = next;
  }

  read(now: number): NodeLoad {
    this.#askedAt = now;
    const { usedBytes, budgetBytes } = this.#sources.memory;
    return {
      cpu: this.#cpu,
      eventLoopDelayMs: this.#delayMs,
      memoryBytes: usedBytes,
      memoryBudgetBytes: budgetBytes,
      inKbps: this.#inKbps,
      outKbps: this.#outKbps,
    };
  }

  close(): void {
    this.#delay.stop();
  }

  #sample(at: number): Sample {
    const { traffic, cpuMicroseconds = processCpu } = this.#sources;
    return { at, cpu: cpuMicroseconds(), bytesIn: traffic.bytesIn, bytesOut: traffic.bytesOut };
  }
}

function processCpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
