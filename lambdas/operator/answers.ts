import type { CommandReply, HeardReply } from './command-reply';
import type { OperatorRequest } from './operator-request';

/** The function's answer may not hold more than 6 MB. */
const MAX_REPLIES_LENGTH = 4 * 1024 * 1024;

/** Commands that one node at most can act on: when it has, nobody else need be awaited. */
const FOR_ONE_NODE: ReadonlySet<OperatorRequest['command']> = new Set(['kill', 'close', 'unblock', 'drain']);

/**
 * Gathers what nodes say to a command. How many there are to wait for is known from the nodes themselves: Redis counts
 * those who heard it at one of its own nodes only.
 */
export class Answers {
  readonly acted: CommandReply[] = [];
  readonly #answered = new Set<string>();
  readonly #registered = new Set<string>();
  #length = 0;

  constructor(
    private readonly request: OperatorRequest,
    /** The message on the command channel, by which answers to other commands are told apart. */
    private readonly message: string,
  ) {}

  /** How many nodes have answered. */
  get count(): number {
    return this.#answered.size;
  }

  /** Registered nodes that have not answered; undefined when nobody said who is registered. */
  get silent(): readonly string[] | undefined {
    if (this.#registered.size === 0) return undefined;
    return [...this.#registered].filter((id) => !this.#answered.has(id)).sort();
  }

  /** Whether nothing is to be waited for any more. */
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
    if (!acted || this.#length + length > MAX_REPLIES_LENGTH) return;
    this.#length += length;
    this.acted.push(said);
  }
}
