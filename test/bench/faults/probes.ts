import { setTimeout as sleep } from 'node:timers/promises';
import { KEY } from '../../fleet/observed-handler';
import { RtmpClient } from '../wire/rtmp-client';
import { type FaultyFleet, RTMP_PORT } from './faulty-fleet';
import { FaultNetwork } from './network';
import type { Probe, Probes } from './recovery';

const READY_EVERY_MS = 250;
const NEWCOMER_EVERY_MS = 500;
/** Who has to wait for longer was not let in. */
const PATIENCE_MS = 2_000;

/** Asks each node all the time whether it is ready, and whether a new publisher may come in. */
export class NodeProbes implements Probes {
  readonly ready: Probe[] = [];
  readonly newcomers: Probe[] = [];
  #isOver = false;
  #work: Promise<unknown> | undefined;

  constructor(
    private readonly fleet: FaultyFleet,
    private readonly now: () => number,
  ) {}

  start(): void {
    const each = (work: (node: number) => Promise<void>): Promise<void>[] =>
      Array.from({ length: this.fleet.nodes }, (_, node) => work(node));
    this.#work = Promise.all([
      ...each((node) => this.#repeat(this.ready, node, READY_EVERY_MS, () => this.fleet.isReady(node))),
      ...each((node) => this.#repeat(this.newcomers, node, NEWCOMER_EVERY_MS, (count) => this.#comes(node, count))),
    ]);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  async #repeat(to: Probe[], node: number, everyMs: number, ask: (count: number) => Promise<boolean>): Promise<void> {
    for (let count = 0; !this.#isOver; count++) {
      const at = this.now();
      const isGood = await ask(count);
      const until = this.now();
      to.push({ node, at, until, isGood: isGood && until - at < PATIENCE_MS });
      await sleep(everyMs);
    }
  }

  /** Each is the first one of its channel: what came before has nothing to do with its answer. */
  async #comes(node: number, count: number): Promise<boolean> {
    const address = { host: FaultNetwork.front(node), port: RTMP_PORT, tls: false };
    try {
      const names = { app: `new${node}-${count}`, streamName: `${KEY}?e=n${node}x${count}` };
      const client = await RtmpClient.open({ ...address, ...names }, 4_096, { onPayload: () => undefined });
      try {
        await client.publish();
        return true;
      } finally {
        client.close();
      }
    } catch {
      return false;
    }
  }
}
