import type { NodeAddress } from '../../leases/life-store';
import type { Answers, Directory, Machine } from './machine';
import { askMachine } from './node-calls';
import type { Answer, Ask, NodeAnswer, Question } from './questions';
import type { Unanswered } from './schemas/common';
import { REGISTRY } from './schemas/registry-name';

/** Other machines that are asked at the same time. */
const AT_ONCE = 16;
/** How long the list of nodes is reused (ms). */
const DIRECTORY_MS = 1_000;

/** Stands for the nodes that nobody knows of while the registry is away. */
const REGISTRY_AWAY: Unanswered = {
  node: REGISTRY,
  reason: 'the registry of the fleet (Redis) does not answer: other nodes are not known',
};

/** The answers to one kind of question. */
export interface FleetAnswers<A extends Ask> {
  readonly answers: readonly { readonly node: string; readonly answer: Answer<A> }[];
  readonly unanswered: Unanswered[];
}

/** Asks the whole fleet: the nodes of this machine, and those of other machines by HTTP. */
export class FleetView {
  readonly machine: Machine;
  readonly #ask: typeof askMachine;
  #directory: { readonly at: number; readonly read: Promise<Directory> } | undefined;

  constructor(machine: Machine, ask = askMachine) {
    this.machine = machine;
    this.#ask = ask;
  }

  /** Asks all nodes. Never rejects: a node that does not answer is named. */
  async ask<A extends Ask>(question: Question & { readonly ask: A }): Promise<FleetAnswers<A>> {
    const [own, directory] = await Promise.all([this.machine.ask(question), this.directory()]);
    const remote = await this.#askOthers(othersOf(directory, own), question);
    const answers = [own, ...remote].flatMap((each) => each.answers as readonly NodeAnswer<A>[]);
    const unanswered = [own, ...remote].flatMap((each) => [...each.unanswered]);
    if (directory.isIncomplete) unanswered.push(REGISTRY_AWAY);
    return { answers, unanswered };
  }

  /** All nodes that the registry knows, at most a second old. */
  directory(): Promise<Directory> {
    const now = performance.now();
    if (this.#directory === undefined || now - this.#directory.at > DIRECTORY_MS) {
      this.#directory = { at: now, read: this.machine.directory() };
    }
    return this.#directory.read;
  }

  async #askOthers(machines: readonly (readonly NodeAddress[])[], question: Question): Promise<Answers[]> {
    const results: Answers[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let at = next++; at < machines.length; at = next++) {
        results.push(await this.#ask(this.machine, machines[at]!, question));
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, machines.length) }, work));
    return results;
  }
}

/** The nodes that are not of this machine, those of one machine together. */
function othersOf({ self, nodes }: Directory, own: Answers): NodeAddress[][] {
  const here = new Set([self, ...own.answers.map(({ node }) => node)]);
  const asked = nodes.find(({ id }) => id === self);
  const machines = new Map<string, NodeAddress[]>();
  for (const node of nodes) {
    // A worker of this machine that has not answered has the HTTP port of this machine.
    if (here.has(node.id) || (asked?.httpPort !== undefined && isSamePlace(node, asked))) continue;
    const place = node.httpPort === undefined ? node.id : `${node.host} ${node.httpPort}`;
    const others = machines.get(place);
    if (others === undefined) machines.set(place, [node]);
    else others.push(node);
  }
  return [...machines.values()];
}

function isSamePlace(a: NodeAddress, b: NodeAddress): boolean {
  return a.host === b.host && a.httpPort === b.httpPort;
}
