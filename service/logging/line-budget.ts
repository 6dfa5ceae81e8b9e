import { BoundedMap } from '../collections/bounded-map';
import type { LogFields } from './logger';

/** Lines at once, and a second from then on. */
interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** A NAT of 200 streamers that all reconnect at once stays below the burst. */
const PER_ADDRESS: Rate = { burst: 1_000, perSecond: 20 };
const ALL: Rate = { burst: 10_000, perSecond: 500 };
/** Addresses whose lines are counted one by one; the oldest are forgotten for new ones. */
const MAX_ADDRESSES = 4_096;
/** How often it is said what was left out. */
const SUMMARY_MS = 10_000;
/** Addresses named in each of these summaries, those with most lines; the others share one line. */
const NAMED_ADDRESSES = 10;

export interface LineBudgetOptions {
  /** Milliseconds. */
  now(): number;
  /** Whom an address counts for. */
  addressGroup(address: string): string;
  /** Writes a line about lines that were left out. */
  report(fields: LogFields): void;
}

/** What is left of a rate. */
class Allowance {
  #lines: number;
  #atMs: number;

  constructor(
    private readonly rate: Rate,
    nowMs: number,
  ) {
    this.#lines = rate.burst;
    this.#atMs = nowMs;
  }

  take(nowMs: number): boolean {
    // A clock that was set back gives nothing.
    const seconds = Math.max(0, nowMs - this.#atMs) / 1000;
    this.#lines = Math.min(this.rate.burst, this.#lines + seconds * this.rate.perSecond);
    this.#atMs = nowMs;
    if (this.#lines < 1) return false;
    this.#lines -= 1;
    return true;
  }
}

/**
 * Bounds the log lines that clients cause: each address has a budget, and all have one together. What is left out is
 * counted and reported every ten seconds.
 */
export class LineBudget {
  readonly #options: LineBudgetOptions;
  readonly #perAddress = new BoundedMap<string, Allowance>(MAX_ADDRESSES);
  readonly #all: Allowance;
  /** Lines left out since the last report, by address group; '' stands for lines about no address, or one too many. */
  readonly #leftOut = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LineBudgetOptions) {
    this.#options = options;
    this.#all = new Allowance(ALL, options.now());
  }

  /** Whether a line may be written; one that may not is counted. `address` is the client's, if the line has one. */
  allows(address: string | undefined): boolean {
    const nowMs = this.#options.now();
    const group = address === undefined ? '' : this.#options.addressGroup(address);
    if (group === '' || this.#allowance(group, nowMs).take(nowMs)) {
      if (this.#all.take(nowMs)) return true;
    }
    this.#leaveOut(group);
    return false;
  }

  #allowance(group: string, nowMs: number): Allowance {
    const known = this.#perAddress.get(group);
    if (known !== undefined) return known;
    const allowance = new Allowance(PER_ADDRESS, nowMs);
    this.#perAddress.set(group, allowance);
    return allowance;
  }

  #leaveOut(group: string): void {
    const named = this.#leftOut.has(group) || this.#leftOut.size < MAX_ADDRESSES ? group : '';
    this.#leftOut.set(named, (this.#leftOut.get(named) ?? 0) + 1);
    this.#timer ??= setInterval(() => this.#report(), SUMMARY_MS).unref();
  }

  #report(): void {
    if (this.#leftOut.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const report = (fields: LogFields): void => this.#options.report(fields);
    const seconds = SUMMARY_MS / 1000;
    const others = this.#leftOut.get('') ?? 0;
    this.#leftOut.delete('');
    const byCount = [...this.#leftOut].sort(([, a], [, b]) => b - a);
    this.#leftOut.clear();
    for (const [ip, lines] of byCount.slice(0, NAMED_ADDRESSES)) report({ ip, lines, seconds });
    const unnamed = byCount.slice(NAMED_ADDRESSES).reduce((sum, [, lines]) => sum + lines, others);
    if (unnamed > 0) report({ lines: unnamed, seconds });
  }
}
