import type { Logger } from '../../logging/logger';
import { DISPENSABLE, TRY_COMMANDS } from './scripts/capability-script';
import type { RegistryConnection } from './registry-connection';

/** An error with which a server refuses a command permanently; other errors may be temporary. */
const REFUSAL = /^(?:NOPERM|ERR) /;
/** How often a server that refuses commands is checked again (ms): permissions can be granted. */
const AGAIN_MS = 10_000;

/**
 * Checks on each new connection whether the server accepts all commands that the registry needs. Otherwise, a server
 * that refuses a single command would only be noticed by later failures.
 */
export class CapabilityCheck {
  #refused: readonly string[] = [];
  #reported = '';
  #again: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #connection: RegistryConnection;
  readonly #log: Logger;

  constructor(connection: RegistryConnection, log: Logger) {
    this.#connection = connection;
    this.#log = log;
  }

  /** Names of commands that the server refuses and the node needs. */
  get refused(): readonly string[] {
    return this.#refused;
  }

  /** Checks with one request, in addition to the connection's TIME. Never rejects. */
  async run(): Promise<void> {
    clearTimeout(this.#again);
    const connection = this.#connection;
    const refusals = new Map<string, string>();
    const reply = await connection.run(TRY_COMMANDS, {});
    // Any other error may be over with the next connection.
    if (reply === undefined && !REFUSAL.test(connection.lastError)) return;
    if (reply === undefined) refusals.set('EVAL', connection.lastError);
    if (REFUSAL.test(connection.timeError)) refusals.set('TIME', connection.timeError);
    const tried = reply?.rest ?? [];
    for (let i = 0; i + 1 < tried.length; i += 2) {
      const [command = '', why = ''] = tried.slice(i, i + 2);
      if (REFUSAL.test(why)) refusals.set(command, why);
    }
    this.#refused = [...refusals.keys()].filter((command) => !DISPENSABLE.has(command));
    this.#report([...refusals].map(([command, why]) => `${command} (${why})`).join(', '));
    if (refusals.size > 0 && !this.#closed) this.#again = setTimeout(() => void this.run(), AGAIN_MS).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#again);
  }

  #report(refusals: string): void {
    const log = this.#log;
    if (refusals === this.#reported) return;
    this.#reported = refusals;
    if (this.#refused.length > 0) {
      log.error(`Redis refuses what the fleet needs, this node cannot take part: ${refusals}`);
    } else if (refusals !== '') {
      log.warning(`Redis refuses what makes the fleet quick, changes are noticed some seconds later: ${refusals}`);
    } else {
      log.info('Redis does all that the fleet needs');
    }
  }
}
