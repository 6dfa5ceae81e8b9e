import { setTimeout } from 'node:timers/promises';
import type { Logger } from '../../logging/logger';
import type { RegistryListener, RegistryOrder, StopRecord } from '../lease-registry';
import { FINISH } from './scripts/lease-scripts';
import { FORGET_STOP, INVENTORY, KEEP_STOP, READ_RECORD } from './scripts/record-scripts';
import type { RegistryConnection, RegistryReply } from './registry-connection';
import type { RegistryScript } from './scripts/registry-script';
import type { RecordSeal } from './record-seal';
import { readNames } from './reply-records';
import type { BookedSession, SessionBook } from './session-book';

const AT_ONCE = 100;

export interface ReconciliationOptions {
  readonly connection: RegistryConnection;
  readonly book: SessionBook;
  readonly seal: RecordSeal;
  readonly log: Logger;
  readonly listener: () => RegistryListener | undefined;
  /** Tells the registry that a session has its channel; undefined if the registry does not answer. */
  readonly assert: (session: BookedSession, contest: Contest) => Promise<RegistryReply | undefined>;
  /** How long the node of another publisher has to report that its stream has ended (ms). */
  readonly contestMs: number;
}

/**
 * What the registry does if another session has the channel by now. `no`: the other session keeps it. `last`: the earlier
 * session wins. `first`: as `last`, but an earlier session is only told that the channel is contested: the other
 * session's record may be out of date, and its node gets time to correct it.
 */
export type Contest = 'no' | 'first' | 'last';

/** The registry did not answer: the run has to be started again. */
class Interrupted extends Error {}

/**
 * Makes the registry agree with this node: its sessions have their leases, or end here; records of ended sessions
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
      await this.#assertSessions();
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

  async #assertSessions(): Promise<void> {
    const { book, listener } = this.#options;
    const live = new Map((listener()?.localLeases() ?? []).map((lease) => [lease.session, lease]));
    const sessions = new Set([...book.sessions.keys(), ...live.keys()]);
    await inBatches([...sessions], (session) => {
      // Read only now: the session may have changed or ended meanwhile.
      const booked = book.latest(session, live.get(session));
      return booked?.leased ? this.#assertOne(booked) : Promise.resolve();
    });
  }

  async #assertOne(booked: BookedSession): Promise<void> {
    const { book, listener, assert, log } = this.#options;
    const { channel, session } = booked.request;
    let reply = await assert(booked, 'first');
    if (reply?.status === 'contested') {
      await setTimeout(this.#options.contestMs, undefined, { ref: false });
      if (book.isOver(session)) return;
      reply = await assert(booked, 'last');
    }
    if (!reply || reply.status === 'unregistered') throw new Interrupted();
    // A session that is still starting learns of the loss when it is confirmed.
    if (book.isOver(session) || booked.state === 'starting') return;
    const order = orderAfter(reply, channel, session);
    if (!order) return;
    if (order.kind === 'moved' && (order.continues || order.stopIsSent)) book.close(session);
    if (order.kind === 'moved') log.warning('The channel has another publisher by now, this one ends', { channel });
    listener()?.order(order);
  }

  /** Finishes records of sessions that this node does not have. */
  async #finishForgotten(sessions: readonly string[]): Promise<void> {
    const { book, listener, seal } = this.#options;
    const live = new Set((listener()?.localLeases() ?? []).map(({ session }) => session));
    const strange = sessions.filter((name) => name !== '#' && !book.sessions.has(name) && !live.has(name));
    await inBatches(strange, async (session) => {
      const raw = await this.#readRecord('sessions', session);
      if (raw === '' || book.sessions.has(session)) return;
      const record = seal.open(raw);
      const known = book.isOver(session);
      // A known session's stop is settled with the stops; for others, a stop too many is better than one too few.
      const jti = known ? '' : record.jti;
      await this.#ask(FINISH, [record.channel, session, jti, raw]);
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
  async #readRecord(kind: 'sessions' | 'stops', field: string): Promise<string> {
    const { rest } = await this.#ask(READ_RECORD, [kind, field]);
    return rest[0] ?? '';
  }

  async #ask(script: RegistryScript, args: readonly string[]): Promise<RegistryReply> {
    const reply = await this.#options.connection.run(script, args);
    if (!reply) throw new Interrupted();
    return reply;
  }
}

function orderAfter({ status, rest }: RegistryReply, channel: string, session: string): RegistryOrder | undefined {
  switch (status) {
    case 'lost':
    case 'claimed':
    case 'continued':
      return {
        kind: 'moved',
        channel,
        session,
        continues: status === 'continued',
        stopIsSent: status === 'claimed',
        ...(status !== 'continued' && { conflict: true as const }),
      };
    case 'blocked':
      return { kind: 'command', text: `kill-session>${channel}` };
    default:
      // A command that came after the session began, and that has not ended it.
      return rest[0] ? { kind: 'command', text: rest[0] } : undefined;
  }
}

async function inBatches<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += AT_ONCE) {
    await Promise.all(items.slice(i, i + AT_ONCE).map(act));
  }
}
