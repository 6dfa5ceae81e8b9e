import type { Logger } from '../../logging/logger';
import { DISPENSABLE, TRY_COMMANDS } from './scripts/capability-script';
import type { RegistryConnection } from './registry-connection';

/** An answer by which a server says that it does not do a thing; others say that it does not do it just now. */
const REFUSAL = /^(?:NOPERM|ERR) /;
/** A server that refuses something is tried again this often: rights can be given (ms). */
const AGAIN_MS = 10_000;

/**
 * Finds out with each new connection whether the server does all that the registry needs. One that can be reached and
 * refuses a single command would otherwise be noticed by what goes wrong later.
 */
export class CapabilityCheck {
  #refused: readonly string[] = [];
  #reported = '';
  #again: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    private readonly connection: RegistryConnection,
    private readonly log: Logger,
  ) {}

  /** Names of commands that the server refuses and the node cannot do without. */
  get refused(): readonly string[] {
    return this.#refused;
  }

  /** One request, besides the TIME that the connection has asked for. Never rejects. */
  async run(): Promise<void> {
    clearTimeout(this.#again);
    const { connection } = this;
    const refusals = new Map<string, string>();
    const reply = await connection.run(TRY_COMMANDS, []);
    // Whatever else went wrong may be over with the next connection.
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
    const { log } = this;
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
