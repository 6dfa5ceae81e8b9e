import type { NodeAddress } from '../lease-registry';
import { readAddress } from './reply-records';

/** What a renewal says of the fleet's nodes. */
export interface RosterNews {
  /** The last change that the news include, to be named in the next renewal. */
  readonly last: string;
  /** Whether these are all nodes, rather than those that have changed. */
  readonly all: boolean;
  /** Pairs of a node's id and its address as JSON, empty for a node that is gone. */
  readonly nodes: readonly string[];
}

/** The fleet's nodes as this node knows them: each renewal brings the changes since the one before. */
export class Roster {
  #nodes = new Map<string, NodeAddress>();
  #read = '';

  /** The last change that was read; empty at first. */
  get read(): string {
    return this.#read;
  }

  get nodes(): readonly NodeAddress[] {
    return [...this.#nodes.values()];
  }

  learn({ last, all, nodes }: RosterNews): void {
    if (all) this.#nodes = new Map();
    for (let i = 0; i + 1 < nodes.length; i += 2) {
      const [id = '', address = ''] = nodes.slice(i, i + 2);
      if (address === '') this.#nodes.delete(id);
      else this.#nodes.set(id, readAddress(address));
    }
    this.#read = last;
  }
}

/** Reads news from a script's reply; `rest` is what follows them in it. */
export function readRosterNews(reply: readonly string[]): { news: RosterNews; rest: readonly string[] } {
  const [last = '', how = '', count = '0', ...texts] = reply;
  const length = 2 * Number(count);
  return { news: { last, all: how === 'all', nodes: texts.slice(0, length) }, rest: texts.slice(length) };
}
