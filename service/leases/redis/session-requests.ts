import { endsStream, parseCommand } from '../../operators/command-parser';
import { ANY_NAME } from '../../protocol/name-grammar';
import type { Logger } from '../../logging/logger';
import type { AcquireOutcome, Lease, LeaseRequest, RegistryOrder, StopRecord } from '../lease-registry';
import { ACQUIRE, ANNOUNCE, ASSERT, FINISH, HOLD, KEEP, REPLACE } from './scripts/lease-scripts';
import type { Contest } from './reconciliation';
import { FORGET_STOP } from './scripts/record-scripts';
import type { Arguments, RegistryConnection, RegistryReply } from './registry-connection';
import type { RecordSeal } from './record-seal';
import type { RegistryScript } from './scripts/registry-script';
import { readAddress, readLease } from './reply-records';
import type { BookedSession, SessionBook } from './session-book';

export interface SessionRequestsOptions {
  readonly connection: RegistryConnection;
  readonly book: SessionBook;
  readonly seal: RecordSeal;
  readonly log: Logger;
  readonly incarnation: string;
  /** Registers the node again if its registration has lapsed. */
  readonly renew: () => Promise<boolean>;
  /**
   * Whether an unregistered owner counts as dead; false soon after an outage of the registry, when it may only be late.
   */
  readonly mayBury: () => boolean;
  /** Whether this node serves a stream of this session, whatever the book says. */
  readonly isServed: (session: string) => boolean;
  readonly doubt: () => void;
  readonly reconcile: () => Promise<void>;
  readonly order: (order: RegistryOrder) => void;
}

/** A session's requests to the registry, from the first to its stop. None of them rejects. */
export class SessionRequests {
  readonly #options: SessionRequestsOptions;

  constructor(options: SessionRequestsOptions) {
    this.#options = options;
  }

  async acquire(request: LeaseRequest): Promise<AcquireOutcome> {
    const { book, reconcile, seal } = this.#options;
    const { channel, session, keyHash, startedAt, stop } = request;
    book.open(request);
    const record = seal.close(stop);
    const args = this.#whileBooked(session, ({ since }) => {
      return [channel, session, keyHash, startedAt, record, this.#fence(), since];
    });
    let reply = await this.#ask(ACQUIRE, args);
    if (reply?.status === 'busy' && this.#isLeftOver(readLease(channel, reply.rest[0] ?? ''))) {
      await reconcile();
      reply = await this.#ask(ACQUIRE, args);
    }
    const [first = '', second = '', third = ''] = reply?.rest ?? [];
    switch (reply?.status) {
      case 'acquired':
        book.update(session, { leased: true, since: first });
        return { kind: 'acquired' };
      case 'blocked':
        book.close(session);
        return { kind: 'blocked', seconds: Number(first) };
      case 'busy':
        book.putOff(session, third);
        return { kind: 'busy', lease: readLease(channel, first), owner: readAddress(second) };
      default:
        book.update(session, { leased: true });
        return { kind: 'unavailable' };
    }
  }

  async announce(request: LeaseRequest): Promise<void> {
    this.#options.book.open(request);
    await this.#ask(ANNOUNCE, [request.session, this.#options.seal.close(request.stop)]);
  }

  async replace(request: LeaseRequest, from: string, continues: boolean): Promise<boolean | undefined> {
    const { book, order, seal } = this.#options;
    const { channel, session, keyHash, startedAt, stop } = request;
    book.open(request);
    const since = book.sessions.get(session)?.since ?? '';
    const how = [since, from, continues ? 1 : 0];
    const args = [channel, session, keyHash, startedAt, seal.close(stop), ...how];
    const reply = await this.#ask(
      REPLACE,
      this.#whileBooked(session, () => args),
    );
    if (reply === undefined) return undefined;
    if (reply.status !== 'replaced') return false;
    book.update(session, { leased: true });
    if (reply.rest[0] === 'own') order({ kind: 'moved', channel, session: from, continues, stopIsSent: false });
    return true;
  }

  async confirm(channel: string, session: string, live: { streamId: string; playKeyHash: string }): Promise<boolean> {
    const { book, log } = this.#options;
    book.update(session, { ...live, leased: true, state: 'live' });
    if (!book.sessions.has(session)) return false;
    const reply = await this.#ask(
      ASSERT,
      this.#whileBooked(session, (booked) => this.#assertion(booked, 'no')),
    );
    if (!reply) return true;
    if (reply.status !== 'mine') return false;
    if (!endsStream(parseCommand(reply.rest[0] ?? '', ANY_NAME), live.streamId)) return true;
    log.info('An operator ended the stream before it began', { channel });
    return false;
  }

  /** Asserts again that a session has its channel; undefined without an answer, or when the session ends first. */
  assert(session: BookedSession, contest: Contest): Promise<RegistryReply | undefined> {
    const { book, connection } = this.#options;
    const { session: id } = session.request;
    return connection.run(ASSERT, () => {
      if (book.isOver(id)) return undefined;
      const { state, lastTimestamp } = book.sessions.get(id) ?? session;
      const decided = state === 'starting' ? session : { ...session, state, lastTimestamp };
      return this.#assertion(decided, contest);
    });
  }

  async hold(channel: string, session: string, lastTimestamp: number): Promise<void> {
    this.#options.book.update(session, { state: 'held', lastTimestamp });
    await this.#options.connection.run(HOLD, [channel, session, lastTimestamp]);
  }

  async keep(channel: string, session: string, keeps: boolean): Promise<void> {
    await this.#options.connection.run(KEEP, [channel, session, keeps ? 1 : 0]);
  }

  async abandon(channel: string, session: string): Promise<void> {
    const { book, connection } = this.#options;
    if (!book.sessions.has(session)) return;
    book.close(session);
    await connection.run(FINISH, [channel, session, '', '']);
  }

  async forget(session: string): Promise<void> {
    const booked = this.#options.book.sessions.get(session);
    if (booked) await this.abandon(booked.request.channel, session);
  }

  async end(channel: string, session: string, stop: StopRecord): Promise<boolean> {
    const { book, connection, seal } = this.#options;
    book.close(session);
    book.pendingStops.set(stop.jti, stop);
    const reply = await connection.run(FINISH, [channel, session, stop.jti, seal.close(stop)]);
    if (reply === undefined || reply.status === 'finished') return true;
    book.pendingStops.delete(stop.jti);
    return false;
  }

  async stopDelivered(jti: string): Promise<void> {
    this.#options.book.stopDelivered(jti);
    await this.#options.connection.run(FORGET_STOP, [jti]);
  }

  /** A node that is not registered renews first, then asks again; a second refusal counts as no answer. */
  async #ask(
    script: RegistryScript,
    args: Arguments | (() => Arguments | undefined),
  ): Promise<RegistryReply | undefined> {
    const { connection, renew, doubt } = this.#options;
    const reply = await connection.run(script, args);
    if (reply?.status !== 'unregistered') return reply;
    await renew();
    const second = await connection.run(script, args);
    if (second?.status !== 'unregistered') return second;
    doubt();
    return undefined;
  }

  /** Arguments of a request that must not follow the session's end. */
  #whileBooked(session: string, args: (booked: BookedSession) => Arguments): () => Arguments | undefined {
    return () => {
      const booked = this.#options.book.sessions.get(session);
      return booked && args(booked);
    };
  }

  #assertion({ request, ...session }: BookedSession, contest: Contest): (string | number)[] {
    const { channel, session: id, keyHash, startedAt, stop } = request;
    const { since, state, streamId, playKeyHash, lastTimestamp } = session;
    const record = this.#options.seal.close({ ...stop, streamId });
    const description = [channel, id, keyHash, startedAt, record, since, state, streamId, playKeyHash, lastTimestamp];
    return [...description, contest, this.#fence()];
  }

  #fence(): 0 | 1 {
    return this.#options.mayBury() ? 1 : 0;
  }

  /** Whether this is a lease of this node for a session that it does not have. */
  #isLeftOver({ incarnation, session }: Lease): boolean {
    const { book, isServed } = this.#options;
    return incarnation === this.#options.incarnation && !book.sessions.has(session) && !isServed(session);
  }
}
