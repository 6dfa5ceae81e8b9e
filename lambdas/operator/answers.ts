import type { CommandReply, HeardReply } from './command-reply';
import type { OperatorRequest } from './operator-request';

/** The function's answer may not exceed 6 MB. */
const MAX_REPLIES_LENGTH = 4 * 1024 * 1024;

/** Commands that at most one node can act on: once it has, there is no need to wait for others. */
const FOR_ONE_NODE: ReadonlySet<OperatorRequest['command']> = new Set(['kill', 'close', 'unblock', 'drain']);

/**
 * Collects the nodes' replies to a command. The nodes themselves say how many nodes are registered: Redis only counts
 * the subscribers of one cache node.
 */
export class Answers {
  readonly acted: CommandReply[] = [];
  readonly #answered = new Set<string>();
  readonly #registered = new Set<string>();
  #length = 0;

  constructor(
    private readonly request: OperatorRequest,
    /** The message on the command channel; answers to other messages are ignored. */
    private readonly message: string,
  ) {}

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
    if (FOR_ONE_NODE.has(this.request.command) && this.acted.length > 0) return true;
    return this.silent?.length === 0;
  }

  add({ order, nodes, reply }: HeardReply, length: number): void {
    if (order !== this.message) return;
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
