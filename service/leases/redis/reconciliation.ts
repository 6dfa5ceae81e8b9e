import { setTimeout } from 'node:timers/promises';
import type { Logger } from '../../logging/logger';
import type { StopRecord } from '../../auth/stop-record';
import type { RegistryListener, RegistryOrder } from '../lease-registry';
import { FINISH } from './scripts/lease-scripts';
import { FORGET_STOP, INVENTORY, KEEP_STOP, READ_RECORD } from './scripts/record-scripts';
import type { RegistryConnection, RegistryReply } from './registry-connection';
import type { RegistryScript } from './scripts/registry-script';
import type { RecordSeal } from './record-seal';
import { readNames } from './reply-records';
import type { BookedPublish, PublishBook } from './publish-book';

const AT_ONCE = 100;

export interface ReconciliationOptions {
  readonly connection: RegistryConnection;
  readonly book: PublishBook;
  readonly seal: RecordSeal;
  readonly log: Logger;
  readonly listener: () => RegistryListener | undefined;
  /** Tells the registry that a publish has its channel; undefined if the registry does not answer. */
  readonly assert: (publishId: BookedPublish, contest: Contest) => Promise<RegistryReply | undefined>;
  /** How long the node of another publisher has to report that its stream has ended (ms). */
  readonly contestMs: number;
}

/**
 * What the registry does if another publish has the channel by now. `no`: the other publish keeps it. `last`: the earlier
 * publish wins. `first`: as `last`, but an earlier publish is only told that the channel is contested: the other
 * publish's record may be out of date, and its node gets time to correct it.
 */
export type Contest = 'no' | 'first' | 'last';

/** The registry did not answer: the run has to be started again. */
class Interrupted extends Error {}

/**
 * Makes the registry agree with this node: its publishes have their leases, or end here; records of ended publishes
 * become stops or are removed; pending stops are stored, and none is lost. Needed after unanswered requests, and after
 * the registry lost writes or this node's registration.
 */
export class Reconciliation {
  readonly #options: ReconciliationOptions;

  constructor(options: ReconciliationOptions) {
    this.#options = options;
  }

  /** @returns false when the registry became unavailable meanwhile */
  async run(): Promise<boolean> {
    try {
      await this.#assertPublishes();
      const { rest } = await this.#ask(INVENTORY, []);
      // Stops first: if this node dies in between, no record may have been removed without its stop.
      await this.#settleStops(new Set(readNames(rest[1])));
      await this.#finishForgotten(readNames(rest[0]));
      return true;
    } catch (error) {
      if (error instanceof Interrupted) return false;
      throw error;
    }
  }

  async #assertPublishes(): Promise<void> {
    const { book, listener } = this.#options;
    const live = new Map((listener()?.localLeases() ?? []).map((lease) => [lease.publishId, lease]));
    const publishes = new Set([...book.publishes.keys(), ...live.keys()]);
    await inBatches([...publishes], (publishId) => {
      // Read only now: the publish may have changed or ended meanwhile.
      const booked = book.latest(publishId, live.get(publishId));
      return booked?.leased ? this.#assertOne(booked) : Promise.resolve();
    });
  }

  async #assertOne(booked: BookedPublish): Promise<void> {
    const { book, listener, assert, log } = this.#options;
    const { channel, publishId } = booked.request;
    let reply = await assert(booked, 'first');
    if (reply?.status === 'contested') {
      await setTimeout(this.#options.contestMs, undefined, { ref: false });
      if (book.isOver(publishId)) return;
      reply = await assert(booked, 'last');
    }
    if (!reply || reply.status === 'unregistered') throw new Interrupted();
    // A publish that is still starting learns of the loss when it is confirmed.
    if (book.isOver(publishId) || booked.state === 'starting') return;
    const order = orderAfter(reply, channel, publishId);
    if (!order) return;
    if (order.kind === 'moved' && (order.continues || order.stopIsSent)) book.close(publishId);
    if (order.kind === 'moved') log.warning('The channel has another publisher by now, this one ends', { channel });
    listener()?.order(order);
  }

  /** Finishes records of publishes that this node does not have. */
  async #finishForgotten(publishes: readonly string[]): Promise<void> {
    const { book, listener, seal } = this.#options;
    const live = new Set((listener()?.localLeases() ?? []).map(({ publishId }) => publishId));
    const strange = publishes.filter((name) => name !== '#' && !book.publishes.has(name) && !live.has(name));
    await inBatches(strange, async (publishId) => {
      const raw = await this.#readRecord('publishes', publishId);
      if (raw === '' || book.publishes.has(publishId)) return;
      const record = seal.open(raw);
      const known = book.isOver(publishId);
      // A known publish's stop is settled with the stops; for others, a stop too many is better than one too few.
      const jti = known ? '' : record.jti;
      await this.#ask(FINISH, [record.channel, publishId, jti, raw]);
      if (!known) this.#adopt(record);
    });
  }

  async #settleStops(present: ReadonlySet<string>): Promise<void> {
    const { book, seal } = this.#options;
    await inBatches([...book.pendingStops.values()], async (stop) => {
      if (present.has(stop.jti) || !book.pendingStops.has(stop.jti)) return;
      await this.#ask(KEEP_STOP, [stop.jti, seal.close(stop)]);
    });
    await inBatches([...present], async (jti) => {
      if (book.pendingStops.has(jti)) return;
      if (book.wasDelivered(jti)) {
        await this.#ask(FORGET_STOP, [jti]);
        return;
      }
      const raw = await this.#readRecord('stops', jti);
      if (raw !== '') this.#adopt(seal.open(raw));
    });
  }

  /** Takes on a stop that this node has to send without knowing it: the answer to a claim was lost, or it restarted. */
  #adopt(stop: StopRecord): void {
    const { book, listener } = this.#options;
    const stops = book.adopt([stop]);
    if (stops.length > 0) listener()?.stopsClaimed(stops);
  }

  /** Empty when the record has been removed. */
  async #readRecord(kind: 'publishes' | 'stops', field: string): Promise<string> {
    const { rest } = await this.#ask(READ_RECORD, [kind, field]);
    return rest[0] ?? '';
  }

  async #ask(script: RegistryScript, args: readonly string[]): Promise<RegistryReply> {
    const reply = await this.#options.connection.run(script, args);
    if (!reply) throw new Interrupted();
    return reply;
  }
}

function orderAfter({ status, rest }: RegistryReply, channel: string, publishId: string): RegistryOrder | undefined {
  switch (status) {
    case 'lost':
    case 'claimed':
    case 'continued':
      return {
        kind: 'moved',
        channel,
        publishId,
        continues: status === 'continued',
        stopIsSent: status === 'claimed',
        ...(status !== 'continued' && { conflict: true as const }),
      };
    case 'blocked':
      return { kind: 'command', text: `kill-session>${channel}` };
    default:
      // A command that came after the publish began, and that has not ended it.
      return rest[0] ? { kind: 'command', text: rest[0] } : undefined;
  }
}

async function inBatches<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += AT_ONCE) {
    await Promise.all(items.slice(i, i + AT_ONCE).map(act));
  }
}
