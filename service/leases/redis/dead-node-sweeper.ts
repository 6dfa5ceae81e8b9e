import type { Logger } from '../../logging/logger';
import type { RegistryConnection } from './registry-connection';
import { type RegistryTiming, jittered } from './registry-timing';
import { nodeOf } from './scripts/life-scripts';
import { CLAIM, REMAINS, SCAN } from './scripts/sweep-scripts';

/** Dead nodes that are seen to at the same time: a lost zone may have hundreds. */
const NODES_AT_ONCE = 8;
/** Most channels of a node that are seen to in one step. */
const CHANNELS_AT_ONCE = 32;
/** Stops are taken over only while fewer than this wait here. */
const MAX_STOPS = 200;
/** Most stops of a node that are taken over in one step. */
const STOPS_AT_ONCE = MAX_STOPS / NODES_AT_ONCE;

export interface DeadNodeSweeperOptions {
  readonly connection: RegistryConnection;
  readonly timing: RegistryTiming;
  readonly log: Logger;
  /** How long all of this node's renewals have succeeded (ms). */
  readonly healthyForMs: () => number;
  /** Tells the channel's life that the member is dead; false if the registry does not have it. */
  readonly nodeDead: (channel: string, member: string) => Promise<boolean>;
  /** How many stops wait for this node to deliver them. */
  readonly waitingStops: () => number;
  /** This node has taken over stops that a dead one left. */
  readonly claimed: (stops: readonly string[]) => void;
  /** A node has left the fleet or was found dead. Only this one of all nodes is told. */
  readonly departed: (id: string) => void;
}

/**
 * Looks for dead nodes, and tells the life of each channel in which they had a part. One node of the fleet does so, as
 * long as it lives. After a failure of its own renewals, it waits for two TTLs before it declares another node dead:
 * after an outage of the registry, all nodes look dead until they have renewed. Stops that a dead node left stay where
 * they are until this node has delivered those before them. It also hears of each node that is gone, so that one node of
 * the fleet tells of it.
 */
export class DeadNodeSweeper {
  readonly #options: DeadNodeSweeperOptions;
  #timer: NodeJS.Timeout | undefined;
  /** Incarnations that were dead at the last scan. */
  #suspects: ReadonlySet<string> = new Set();
  readonly #reported = new Set<string>();
  #isSweeping = false;
  #stopped = false;

  constructor(options: DeadNodeSweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedule(jittered(this.#options.timing.beatMs));
  }

  /** Stops have been delivered: there is room for more. */
  more(): void {
    if (this.#reported.size > 0 && this.#options.waitingStops() < MAX_STOPS / 2) this.#schedule(0);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(delayMs: number): void {
    if (this.#stopped || this.#isSweeping) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isSweeping = true;
      void this.#sweep().finally(() => {
        this.#isSweeping = false;
        this.start();
      });
    }, delayMs);
  }

  async #sweep(): Promise<void> {
    const { connection, timing, healthyForMs, departed } = this.#options;
    const suspects = this.#suspects;
    this.#suspects = new Set();
    if (healthyForMs() < 2 * timing.ttlMs) return;
    const reply = await connection.run(SCAN, { ttlMs: timing.ttlMs });
    if (reply?.status !== 'dead') return;
    const [count, ...rest] = reply.rest;
    for (const id of rest.splice(0, Number(count))) departed(id);
    this.#suspects = new Set(rest);
    for (const member of this.#reported) if (!this.#suspects.has(member)) this.#reported.delete(member);
    const dead = rest.filter((member) => suspects.has(member));
    const worker = async (): Promise<void> => {
      for (let member = dead.shift(); member !== undefined; member = dead.shift()) await this.#bury(member);
    };
    await Promise.all(Array.from({ length: NODES_AT_ONCE }, worker));
  }

  async #bury(member: string): Promise<void> {
    const { connection, log, healthyForMs, nodeDead, waitingStops, claimed } = this.#options;
    if (!this.#reported.has(member)) {
      this.#reported.add(member);
      log.warning('A node of the fleet is gone: its streams have ended, other nodes send their stops', {
        node: nodeOf(member),
      });
    }
    while (!this.#stopped && healthyForMs() > 0) {
      const remains = await connection.run(REMAINS, { member, most: CHANNELS_AT_ONCE });
      if (remains?.status !== 'remains') return;
      const isStored = await Promise.all(remains.rest.map((channel) => nodeDead(channel, member)));
      if (isStored.includes(false)) return;
      const most = Math.max(0, Math.min(STOPS_AT_ONCE, MAX_STOPS - waitingStops()));
      const reply = await connection.run(CLAIM, { member, most });
      if (reply?.status !== 'claimed') return;
      const [left, ...stops] = reply.rest;
      claimed(stops);
      if (left === 'all' || (remains.rest.length === 0 && stops.length === 0)) return;
    }
  }
}
