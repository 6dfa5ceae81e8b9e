import { TokenBucket } from '../collections/token-bucket';
import type { Logger } from '../logging/logger';
import { READ_VERB } from './read-request';

/** Enough for an operator's script that ends some hundred streams at once, and for any number of operators by hand. */
const BURST = 200;
const PER_SECOND = 50;
/** Consoles and scripts that read; they have a limit of their own, so that they cannot displace commands. */
const READS_BURST = 200;
const READS_PER_SECOND = 50;
/** Longer than any command, even with the longest channel name and stream id. */
export const MAX_MESSAGE_LENGTH = 4_096;
/** How often ignored commands are reported (ms). */
const SUMMARY_MS = 10_000;

/**
 * Limits what publishers on the command channel can cost this node: each command costs a log line, a script in the
 * registry and an answer. Commands beyond the limit are ignored and counted.
 */
export class CommandIntake {
  readonly #log: Logger;
  readonly #onLeftOut: () => void;
  readonly #bucket = new TokenBucket(BURST, PER_SECOND);
  readonly #reads = new TokenBucket(READS_BURST, READS_PER_SECOND);
  #leftOut = 0;
  #summary: NodeJS.Timeout | undefined;

  /** @param onLeftOut called for each command that is left out */
  constructor(log: Logger, onLeftOut: () => void) {
    this.#log = log;
    this.#onLeftOut = onLeftOut;
  }

  /** Whether to handle a message that arrives now. */
  takes(message: string): boolean {
    const bucket = message.startsWith(READ_VERB) ? this.#reads : this.#bucket;
    if (message.length <= MAX_MESSAGE_LENGTH && bucket.take(performance.now())) return true;
    this.#onLeftOut();
    if (this.#leftOut === 0) {
      this.#log.warning(`Redis commands are left out: more than ${PER_SECOND} a second, or too long a one`);
      this.#summary = setTimeout(() => this.#report(), SUMMARY_MS).unref();
    }
    this.#leftOut += 1;
    return false;
  }

  close(): void {
    clearTimeout(this.#summary);
  }

  #report(): void {
    this.#log.warning('Redis commands were left out', { commands: this.#leftOut });
    this.#leftOut = 0;
  }
}
