import { describeError } from '../errors/error-text';
import { type Clock, systemClock } from '../time/clock';
import type { Logger } from '../logging/logger';

/** The secret has not been read yet and cannot be read right now. */
export class SecretUnavailableError extends Error {
  override readonly name = 'SecretUnavailableError';
}

export interface SecretSourceOptions {
  /** The variable that names the secret, for the log. */
  readonly name: string;
  /** Reads the present text once; must have a time limit. */
  readonly read: () => Promise<string>;
  /** Longest pause between two successful reads. */
  readonly refreshMs: number;
  readonly log: Logger;
  readonly clock?: Clock;
  /** 0 <= x < 1, spreads the reads of many nodes. */
  readonly random?: () => number;
}

/** Shortest pause between reads caused by refusals, so that no one can make the node read more often by refusing. */
const MIN_RENEWAL_MS = 10_000;
/** Pauses after failed reads: shorter until the secret has been read once. */
const FIRST_RETRY_MS = 500;
const MAX_RETRY_UNKNOWN_MS = 10_000;
const MAX_RETRY_KNOWN_MS = 60_000;

/**
 * A secret from an external store, cached and read again in the background. If the store fails, the last text stays in
 * use; only before the first read there is none. Reading begins at once and ends with `close`.
 */
export class SecretSource {
  readonly #options: SecretSourceOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #followers = new Set<(value: string) => void>();
  #value: string | undefined;
  #reading: Promise<void> | undefined;
  #readBeganMs = 0;
  #failures = 0;
  #cancelNext: (() => void) | undefined;
  #closed = false;

  constructor(options: SecretSourceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    void this.#refresh();
  }

  /** Whether the secret has been read. */
  get isKnown(): boolean {
    return this.#value !== undefined;
  }

  /**
   * The cached text. If there is none, waits for the read under way.
   *
   * @throws SecretUnavailableError
   */
  async current(): Promise<string> {
    if (this.#value === undefined) await this.#reading;
    if (this.#value === undefined) throw new SecretUnavailableError(`${this.#options.name} has not been read yet`);
    return this.#value;
  }

  /** Call when `refused` was not accepted: reads again if a read is due, and resolves to the new text if it differs. */
  async renew(refused: string): Promise<string | undefined> {
    const due = this.#clock.now() - this.#readBeganMs >= MIN_RENEWAL_MS;
    if (this.#value === refused && (due || this.#reading !== undefined)) await this.#refresh();
    return this.#value === refused ? undefined : this.#value;
  }

  /** Calls back with the text as soon as it is known and whenever it changes; returns the function that ends it. */
  follow(follower: (value: string) => void): () => void {
    this.#followers.add(follower);
    if (this.#value !== undefined) follower(this.#value);
    return () => void this.#followers.delete(follower);
  }

  /** Stops reading; `current` still gives the last text. */
  close(): void {
    this.#closed = true;
    this.#cancelNext?.();
    this.#followers.clear();
  }

  /** Reads, or joins the read under way. Never rejects. */
  #refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
      if (!this.#closed) this.#cancelNext = this.#clock.setTimeout(() => void this.#refresh(), this.#pauseMs());
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    this.#cancelNext?.();
    this.#readBeganMs = this.#clock.now();
    try {
      this.#accept(await this.#options.read());
    } catch (error) {
      this.#report(error);
    }
  }

  #accept(value: string): void {
    if (this.#closed) return;
    const { log, name } = this.#options;
    if (this.#failures > 0) log.info(`${name} can be read again`);
    this.#failures = 0;
    if (value === this.#value) return;
    if (this.#value !== undefined) log.info(`${name} has changed`);
    this.#value = value;
    for (const follower of this.#followers) follower(value);
  }

  /** One line for an outage, however long it lasts. */
  #report(error: unknown): void {
    this.#failures += 1;
    if (this.#failures > 1 || this.#closed) return;
    const meanwhile = this.isKnown ? 'what was read before serves' : 'it is tried again';
    const reason = describeError(error);
    this.#options.log.warning(`${this.#options.name} cannot be read, ${meanwhile}`, { reason });
  }

  #pauseMs(): number {
    const { refreshMs } = this.#options;
    if (this.#failures === 0) return refreshMs * (0.8 + 0.2 * this.#random());
    const longestMs = this.isKnown ? Math.min(refreshMs, MAX_RETRY_KNOWN_MS) : MAX_RETRY_UNKNOWN_MS;
    return Math.min(longestMs, FIRST_RETRY_MS * 2 ** (this.#failures - 1)) * (0.5 + 0.5 * this.#random());
  }
}
