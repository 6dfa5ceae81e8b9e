import { TokenBucket } from '../collections/token-bucket';
import type { Logger } from '../logging/logger';

/** An operator's script that ends some hundred streams at once stays below; so does any number of operators by hand. */
const BURST = 200;
const PER_SECOND = 50;
/** The longest command, with a channel's name and a stream id of their greatest lengths, is shorter. */
export const MAX_MESSAGE_LENGTH = 4_096;
/** How often it is said that commands were left out (ms). */
const SUMMARY_MS = 10_000;

/**
 * Bounds what whoever may publish on the command channel costs this node: each command is a log line, a script in the
 * registry and an answer. What is too much is left out and counted.
 */
export class CommandIntake {
  readonly #log: Logger;
  readonly #onLeftOut: () => void;
  readonly #bucket = new TokenBucket(BURST, PER_SECOND);
  #leftOut = 0;
  #summary: NodeJS.Timeout | undefined;

  /** @param onLeftOut called for each command that is left out */
  constructor(log: Logger, onLeftOut: () => void) {
    this.#log = log;
    this.#onLeftOut = onLeftOut;
  }

  /** Whether to look at a message that arrives now. */
  takes(message: string): boolean {
    if (message.length <= MAX_MESSAGE_LENGTH && this.#bucket.take(performance.now())) return true;
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
