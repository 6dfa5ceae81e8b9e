import { endsStream, parseCommand } from '../../operators/command-parser';
import { ANY_NAME } from '../../protocol/name-grammar';
import type { Logger } from '../../logging/logger';
import type { StopRecord } from '../../auth/stop-record';
import type { AcquireOutcome, Lease, LeaseRequest, RegistryOrder } from '../lease-registry';
import { ACQUIRE, ANNOUNCE, ASSERT, FINISH, HOLD, KEEP, REPLACE } from './scripts/lease-scripts';
import type { Contest } from './reconciliation';
import { FORGET_STOP } from './scripts/record-scripts';
import type { Arguments, RegistryConnection, RegistryReply } from './registry-connection';
import type { RecordSeal } from './record-seal';
import type { RegistryScript } from './scripts/registry-script';
import { readAddress, readLease } from './reply-records';
import type { BookedPublish, PublishBook } from './publish-book';

export interface PublishRequestsOptions {
  readonly connection: RegistryConnection;
  readonly book: PublishBook;
  readonly seal: RecordSeal;
  readonly log: Logger;
  readonly incarnation: string;
  /** Registers the node again if its registration has lapsed. */
  readonly renew: () => Promise<boolean>;
  /**
   * Whether an unregistered owner counts as dead; false soon after an outage of the registry, when it may only be late.
   */
  readonly mayBury: () => boolean;
  /** Whether this node serves a stream of this publish, whatever the book says. */
  readonly isServed: (publishId: string) => boolean;
  readonly doubt: () => void;
  readonly reconcile: () => Promise<void>;
  readonly order: (order: RegistryOrder) => void;
}

/** A publish's requests to the registry, from the first to its stop. None of them rejects. */
export class PublishRequests {
  readonly #options: PublishRequestsOptions;

  constructor(options: PublishRequestsOptions) {
    this.#options = options;
  }

  async acquire(request: LeaseRequest): Promise<AcquireOutcome> {
    const { book, reconcile, seal } = this.#options;
    const { channel, publishId, keyHash, startedAt, stop } = request;
    book.open(request);
    const record = seal.close(stop);
    const args = this.#whileBooked(publishId, ({ since }) => {
      return [channel, publishId, keyHash, startedAt, record, this.#fence(), since];
    });
    let reply = await this.#ask(ACQUIRE, args);
    if (reply?.status === 'busy' && this.#isLeftOver(readLease(channel, reply.rest[0] ?? ''))) {
      await reconcile();
      reply = await this.#ask(ACQUIRE, args);
    }
    const [first = '', second = '', third = ''] = reply?.rest ?? [];
    switch (reply?.status) {
      case 'acquired':
        book.update(publishId, { leased: true, since: first });
        return { kind: 'acquired' };
      case 'blocked':
        book.close(publishId);
        return { kind: 'blocked', seconds: Number(first) };
      case 'busy':
        book.putOff(publishId, third);
        return { kind: 'busy', lease: readLease(channel, first), owner: readAddress(second) };
      default:
        book.update(publishId, { leased: true });
        return { kind: 'unavailable' };
    }
  }

  async announce(request: LeaseRequest): Promise<void> {
    this.#options.book.open(request);
    await this.#ask(ANNOUNCE, [request.publishId, this.#options.seal.close(request.stop)]);
  }

  async replace(request: LeaseRequest, from: string, continues: boolean): Promise<boolean | undefined> {
    const { book, order, seal } = this.#options;
    const { channel, publishId, keyHash, startedAt, stop } = request;
    book.open(request);
    const since = book.publishes.get(publishId)?.since ?? '';
    const how = [since, from, continues ? 1 : 0];
    const args = [channel, publishId, keyHash, startedAt, seal.close(stop), ...how];
    const reply = await this.#ask(
      REPLACE,
      this.#whileBooked(publishId, () => args),
    );
    if (reply === undefined) return undefined;
    if (reply.status !== 'replaced') return false;
    book.update(publishId, { leased: true });
    if (reply.rest[0] === 'own') order({ kind: 'moved', channel, publishId: from, continues, stopIsSent: false });
    return true;
  }

  async confirm(channel: string, publishId: string, live: { streamId: string; playKeyHash: string }): Promise<boolean> {
    const { book, log } = this.#options;
    book.update(publishId, { ...live, leased: true, state: 'live' });
    if (!book.publishes.has(publishId)) return false;
    const reply = await this.#ask(
      ASSERT,
      this.#whileBooked(publishId, (booked) => this.#assertion(booked, 'no')),
    );
    if (!reply) return true;
    if (reply.status !== 'mine') return false;
    if (!endsStream(parseCommand(reply.rest[0] ?? '', ANY_NAME), live.streamId)) return true;
    log.info('An operator ended the stream before it began', { channel });
    return false;
  }

  /** Asserts again that a publish has its channel; undefined without an answer, or when the publish ends first. */
  assert(publishId: BookedPublish, contest: Contest): Promise<RegistryReply | undefined> {
    const { book, connection } = this.#options;
    const { publishId: id } = publishId.request;
    return connection.run(ASSERT, () => {
      if (book.isOver(id)) return undefined;
      const { state, lastTimestamp } = book.publishes.get(id) ?? publishId;
      const decided = state === 'starting' ? publishId : { ...publishId, state, lastTimestamp };
      return this.#assertion(decided, contest);
    });
  }

  async hold(channel: string, publishId: string, lastTimestamp: number): Promise<void> {
    this.#options.book.update(publishId, { state: 'held', lastTimestamp });
    await this.#options.connection.run(HOLD, [channel, publishId, lastTimestamp]);
  }

  async keep(channel: string, publishId: string, keeps: boolean): Promise<void> {
    await this.#options.connection.run(KEEP, [channel, publishId, keeps ? 1 : 0]);
  }

  async abandon(channel: string, publishId: string): Promise<void> {
    const { book, connection } = this.#options;
    if (!book.publishes.has(publishId)) return;
    book.close(publishId);
    await connection.run(FINISH, [channel, publishId, '', '']);
  }

  async forget(publishId: string): Promise<void> {
    const booked = this.#options.book.publishes.get(publishId);
    if (booked) await this.abandon(booked.request.channel, publishId);
  }

  async end(channel: string, publishId: string, stop: StopRecord): Promise<boolean> {
    const { book, connection, seal } = this.#options;
    book.close(publishId);
    book.pendingStops.set(stop.jti, stop);
    const reply = await connection.run(FINISH, [channel, publishId, stop.jti, seal.close(stop)]);
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

  /** Arguments of a request that must not follow the publish's end. */
  #whileBooked(publishId: string, args: (booked: BookedPublish) => Arguments): () => Arguments | undefined {
    return () => {
      const booked = this.#options.book.publishes.get(publishId);
      return booked && args(booked);
    };
  }

  #assertion({ request, ...publishId }: BookedPublish, contest: Contest): (string | number)[] {
    const { channel, publishId: id, keyHash, startedAt, stop } = request;
    const { since, state, streamId, playKeyHash, lastTimestamp } = publishId;
    const record = this.#options.seal.close({ ...stop, streamId });
    const description = [channel, id, keyHash, startedAt, record, since, state, streamId, playKeyHash, lastTimestamp];
    return [...description, contest, this.#fence()];
  }

  #fence(): 0 | 1 {
    return this.#options.mayBury() ? 1 : 0;
  }

  /** Whether this is a lease of this node for a publish that it does not have. */
  #isLeftOver({ incarnation, publishId }: Lease): boolean {
    const { book, isServed } = this.#options;
    return incarnation === this.#options.incarnation && !book.publishes.has(publishId) && !isServed(publishId);
  }
}
