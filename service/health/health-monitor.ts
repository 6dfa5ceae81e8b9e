import type { LiveStream } from '../hub/live-stream';
import type { Publication } from '../hub/publication';
import type { Health, HealthState } from '../http/api/schemas/health';
import type { IssueCode } from './issue-codes';
import { type HealthReport, StreamHealth } from './stream-health';
import type { History } from '../http/api/schemas/stream';

/** Ticks come each second; after a longer pause (ms) the node stood still, and no publisher is to blame. */
const STANDSTILL_MS = 2_500;

export interface HealthMonitorOptions {
  readonly hub: { publications(): Iterable<Publication> };
  /** Size of the chunks in which streams keep their messages. */
  readonly chunkSize: number;
  /** LATENCY_MS: how long media may wait before it is read (ms). */
  readonly latencyMs: number;
  /** Milliseconds since the epoch. */
  readonly wallClock?: () => number;
}

/** The state of a stream, or its issues, changed. Must be quick and must not throw. */
export type HealthListener = (publication: Publication, health: Health) => void;

/**
 * Judges the streams that clients publish on this node. A stream that a relay brings is judged on the node that has its
 * publisher; one that is held has no data.
 */
export class HealthMonitor {
  readonly #options: HealthMonitorOptions;
  readonly #wallClock: () => number;
  readonly #streams = new WeakMap<LiveStream, { readonly judge: StreamHealth; told: number }>();
  readonly #listeners = new Set<HealthListener>();
  #tickedAt = -1;

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
    this.#wallClock = options.wallClock ?? Date.now;
  }

  /** Calls back with every change from now on, until the returned function is called. */
  listen(listener: HealthListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Called once a second (ms of a clock that does not go back). */
  tick(now: number): void {
    const stoodStill = this.#tickedAt >= 0 && now - this.#tickedAt > STANDSTILL_MS;
    this.#tickedAt = now;
    const at = this.#wallClock();
    for (const publication of this.#options.hub.publications()) {
      const { stream, publisher } = publication;
      if (publisher?.isRelay === true) {
        this.#streams.delete(stream);
        continue;
      }
      const entry = this.#entry(stream);
      if (stoodStill) entry.judge.skip(now);
      if (publisher === null) entry.judge.pause(now, at);
      else entry.judge.tick(now, at);
      const { changes } = entry.judge;
      if (changes === entry.told) continue;
      entry.told = changes;
      for (const listener of this.#listeners) listener(publication, entry.judge.health);
    }
  }

  /** Health and measures of a stream that is published, or held, on this node. */
  report({ stream }: Publication): HealthReport {
    return this.#entry(stream).judge.report();
  }

  /** The last ten minutes of a stream that is published, or held, on this node. */
  history({ stream }: Publication): History {
    return this.#entry(stream).judge.historyReport(this.#wallClock());
  }

  /** How many streams are in which state, and how many have which issue. */
  counts(): { readonly states: Record<HealthState, number>; readonly issues: Map<IssueCode, number> } {
    const states = { good: 0, ok: 0, bad: 0, noData: 0 };
    const issues = new Map<IssueCode, number>();
    for (const { stream, publisher } of this.#options.hub.publications()) {
      if (publisher?.isRelay === true) continue;
      const judge = this.#streams.get(stream)?.judge;
      states[judge?.health.state ?? 'noData'] += 1;
      for (const code of judge?.codes() ?? []) issues.set(code, (issues.get(code) ?? 0) + 1);
    }
    return { states, issues };
  }

  #entry(stream: LiveStream): { readonly judge: StreamHealth; told: number } {
    let entry = this.#streams.get(stream);
    if (entry === undefined) {
      const { chunkSize, latencyMs } = this.#options;
      const judge = new StreamHealth({ stream, chunkSize, readDelayMs: latencyMs });
      entry = { judge, told: judge.changes };
      this.#streams.set(stream, entry);
    }
    return entry;
  }
}
