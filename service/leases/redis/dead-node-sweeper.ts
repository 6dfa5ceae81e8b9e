import type { Logger } from '../../logging/logger';
import type { StopRecord } from '../../auth/stop-record';
import type { RegistryConnection } from './registry-connection';
import { type RegistryTiming, jittered } from './registry-timing';
import type { RecordSeal } from './record-seal';
import { readNames, readStop } from './reply-records';
import { CLAIM, type LeftPublish, REMAINS, SCAN } from './scripts/sweep-scripts';

/** Most records that are claimed in one step, so that other requests do not wait long. */
const RECORDS_AT_ONCE = 200;

export interface DeadNodeSweeperOptions {
  readonly connection: RegistryConnection;
  readonly timing: RegistryTiming;
  readonly seal: RecordSeal;
  readonly log: Logger;
  /** How long all of this node's renewals have succeeded (ms). */
  readonly healthyForMs: () => number;
  readonly claimed: (stops: readonly StopRecord[]) => void;
}

/**
 * Looks for dead nodes and claims their publishes and stops. One node of the fleet does so, as long as it lives. After a
 * failure of its own renewals, it waits for two TTLs before it declares another node dead: after an outage of the
 * registry, all nodes look dead until they have renewed.
 */
export class DeadNodeSweeper {
  readonly #options: DeadNodeSweeperOptions;
  #timer: NodeJS.Timeout | undefined;
  /** Incarnations that were dead at the last scan. */
  #suspects: ReadonlySet<string> = new Set();
  #stopped = false;

  constructor(options: DeadNodeSweeperOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(
      () => void this.#sweep().finally(() => this.start()),
      jittered(this.#options.timing.beatMs),
    );
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #sweep(): Promise<void> {
    const { connection, timing, healthyForMs } = this.#options;
    const suspects = this.#suspects;
    this.#suspects = new Set();
    if (healthyForMs() < 2 * timing.ttlMs) return;
    const reply = await connection.run(SCAN, [timing.ttlMs]);
    if (reply?.status !== 'dead') return;
    this.#suspects = new Set(reply.rest);
    for (const member of reply.rest) {
      if (suspects.has(member)) await this.#claim(member);
    }
  }

  async #claim(member: string): Promise<void> {
    const { connection, log, seal, claimed, healthyForMs } = this.#options;
    const slash = member.lastIndexOf('/');
    const node = member.slice(0, slash);
    let count = 0;
    for (let more = true; more && !this.#stopped && healthyForMs() > 0;) {
      const dead = [node, member.slice(slash + 1)];
      const remains = await connection.run(REMAINS, [...dead, RECORDS_AT_ONCE]);
      if (remains?.status !== 'remains') break;
      const publishes = JSON.stringify(readPublishes(remains.rest[0]));
      const reply = await connection.run(CLAIM, [...dead, publishes, JSON.stringify(readNames(remains.rest[1]))]);
      if (reply?.status !== 'claimed') break;
      const [rest, ...records] = reply.rest;
      more = rest === 'more';
      count += records.length;
      if (records.length > 0) claimed(records.map((record) => seal.open(record)));
    }
    log.warning('A node of the fleet is gone: its streams have ended, this node sends their stops', {
      node,
      stops: count,
    });
  }
}

/** Reads pairs of a publish and its record. */
function readPublishes(json: string | undefined): LeftPublish[] {
  const pairs = readNames(json);
  const publishes: LeftPublish[] = [];
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    publishes.push({ publishId: pairs[i] ?? '', channel: readStop(pairs[i + 1] ?? '').channel });
  }
  return publishes;
}
