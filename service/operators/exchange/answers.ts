import type { Command } from '../command-parser';
import type { CommandReply, HeardReply } from './command-reply';

/** All that is kept of replies (characters): the answer of a Lambda function, which passes them on, has 6 MB at most. */
const MAX_REPLIES_LENGTH = 4 * 1024 * 1024;

/** Commands that at most one node can act on: once it has, there is no need to wait for others. */
const FOR_ONE_NODE: ReadonlySet<Command['verb']> = new Set(['kill-session', 'close-stream', 'unblock', 'drain']);

/**
 * Collects the nodes' replies to a command. The nodes themselves say how many nodes are registered: Redis only counts
 * the subscribers of one cache node.
 */
export class Answers {
  readonly acted: CommandReply[] = [];
  readonly #verb: Command['verb'];
  readonly #message: string;
  readonly #answered = new Set<string>();
  readonly #registered = new Set<string>();
  #length = 0;

  /** @param message the message on the command channel; answers to other messages are ignored */
  constructor(verb: Command['verb'], message: string) {
    this.#verb = verb;
    this.#message = message;
  }

  /** How many nodes have answered. */
  get count(): number {
    return this.#answered.size;
  }

  /** Registered nodes that have not answered; undefined when no node said which nodes are registered. */
  get silent(): readonly string[] | undefined {
    if (this.#registered.size === 0) return undefined;
    return [...this.#registered].filter((id) => !this.#answered.has(id)).sort();
  }

  /** Whether there is nothing left to wait for. */
  get complete(): boolean {
    if (FOR_ONE_NODE.has(this.#verb) && this.acted.length > 0) return true;
    return this.silent?.length === 0;
  }

  add({ order, nodes, reply }: HeardReply, length: number): void {
    if (order !== this.#message) return;
    for (const id of nodes) this.#registered.add(id);
    if (reply === undefined) return;
    const { acted, ...said } = reply;
    this.#answered.add(said.node);
    if (!acted) return;
    if (this.#length + length > MAX_REPLIES_LENGTH) {
      this.acted.push(withoutStreams(said));
      return;
    }
    this.#length += length;
    this.acted.push(said);
  }
}

function withoutStreams({ streams = [], ...said }: CommandReply): CommandReply {
  return { ...said, detail: `${said.detail}; its ${streams.length} streams do not fit into this answer` };
}
