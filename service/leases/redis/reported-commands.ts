import { BoundedMap } from '../../collections/bounded-map';
import type { RegistryConnection } from './registry-connection';
import { REMEMBER } from './scripts/command-scripts';

const MAX_REMEMBERED = 1_000;
/** A command that was heard within this time (ms) is the same that other nodes have heard. */
const HEARD_MS = 10_000;

/** Finds out which of the nodes that hear an operator's command has to act: the first that reports it. */
export class ReportedCommands {
  readonly #connection: RegistryConnection;
  readonly #heardAt = new BoundedMap<string, number>(MAX_REMEMBERED);
  /** What the last report of each text was answered with. */
  readonly #reported = new BoundedMap<string, string>(MAX_REMEMBERED);

  constructor(connection: RegistryConnection) {
    this.#connection = connection;
  }

  /** Whether this node has heard the command within the last seconds. */
  has(text: string): boolean {
    return performance.now() - (this.#heardAt.get(text) ?? -Infinity) < HEARD_MS;
  }

  /** `unanswered`: nobody knows, and each node has to act for itself. */
  async report(verb: string, target: string, text: string): Promise<'first' | 'known' | 'unanswered'> {
    this.#heardAt.set(text, performance.now());
    const reported = this.#reported.get(text) ?? '';
    const reply = await this.#connection.run(REMEMBER, { verb, target, text, reported });
    if (reply?.status !== 'first' && reply?.status !== 'known') return 'unanswered';
    this.#reported.set(text, reply.rest[0] ?? '');
    return reply.status;
  }
}
