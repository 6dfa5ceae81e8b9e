import { BoundedMap } from '../collections/bounded-map';
import { TokenBucket } from '../collections/token-bucket';
import type { LogFields } from './logger';

/** How many lines may be written at once, and how many a second after that. */
interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** A NAT of 200 streamers that all reconnect at once stays below the burst. */
const PER_ADDRESS: Rate = { burst: 1_000, perSecond: 20 };
const ALL: Rate = { burst: 10_000, perSecond: 500 };
/** Addresses whose lines are counted separately; the oldest are forgotten for new ones. */
const MAX_ADDRESSES = 4_096;
/** How often suppressed lines are reported. */
const SUMMARY_MS = 10_000;
/** Addresses with a line of their own in such a report, those with most lines; all others share one line. */
const NAMED_ADDRESSES = 10;

export interface LineBudgetOptions {
  /** Milliseconds. */
  now(): number;
  /** The group whose budget an address uses, see `addressGroup`. */
  addressGroup(address: string): string;
  /** Writes a line about suppressed lines. */
  report(fields: LogFields): void;
}

/**
 * Limits the log lines that clients cause: each address has a budget, and all addresses share another. Suppressed lines
 * are counted and reported every ten seconds.
 */
export class LineBudget {
  readonly #options: LineBudgetOptions;
  readonly #perAddress = new BoundedMap<string, TokenBucket>(MAX_ADDRESSES);
  readonly #all = new TokenBucket(ALL.burst, ALL.perSecond);
  /**
   * Suppressed lines since the last report, by address group; '': lines without an address, or of too many addresses.
   */
  readonly #leftOut = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LineBudgetOptions) {
    this.#options = options;
  }

  /** Whether a line may be written; if not, it is counted. `address` is the client's, if the line has one. */
  allows(address: string | undefined): boolean {
    const nowMs = this.#options.now();
    const group = address === undefined ? '' : this.#options.addressGroup(address);
    if (group === '' || this.#linesOf(group).take(nowMs)) {
      if (this.#all.take(nowMs)) return true;
    }
    this.#leaveOut(group);
    return false;
  }

  #linesOf(group: string): TokenBucket {
    const known = this.#perAddress.get(group);
    if (known !== undefined) return known;
    const lines = new TokenBucket(PER_ADDRESS.burst, PER_ADDRESS.perSecond);
    this.#perAddress.set(group, lines);
    return lines;
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
