import type { StopRecord } from '../../auth/stop-record';
import type { LeaseRequest, LiveLease } from '../lease-registry';
import { BoundedMap } from '../../collections/bounded-map';

/** Most ended publishes and stops that are remembered, for late messages about them. */
const MAX_REMEMBERED = 20_000;

/** A publish of this node in the registry. */
export interface BookedPublish {
  readonly request: LeaseRequest;
  /** When the registry first knew of it, by the registry's clock (µs); empty if it never did. */
  readonly since: string;
  /**
   * Whether it should have the channel's lease: not while the lease is being requested, or it waits to replace another.
   */
  readonly leased: boolean;
  readonly state: 'starting' | 'live' | 'held';
  readonly streamId: string;
  readonly playKeyHash: string;
  readonly lastTimestamp: number;
}

/**
 * The records that the registry should have for this node, to correct the registry after requests that may or may not
 * have been executed, and after it lost its data.
 */
export class PublishBook {
  /** Publishes from the first request until they ended, moved or were abandoned. */
  readonly publishes = new Map<string, BookedPublish>();
  /** Stops that have not been delivered yet, by `jti`. */
  readonly pendingStops = new Map<string, StopRecord>();
  readonly #over = new BoundedMap<string, true>(MAX_REMEMBERED);
  readonly #delivered = new BoundedMap<string, true>(MAX_REMEMBERED);
  /** When the registry first knew of attempts that found the channel taken. */
  readonly #attempts = new BoundedMap<string, string>(MAX_REMEMBERED);

  open(request: LeaseRequest): void {
    this.publishes.set(request.publishId, {
      request,
      since: this.#attempts.get(request.publishId) ?? '',
      leased: false,
      state: 'starting',
      streamId: '',
      playKeyHash: '',
      lastTimestamp: 0,
    });
  }

  /** The channel was taken; the publish may still replace the publish that has it. */
  putOff(publishId: string, since: string): void {
    this.publishes.delete(publishId);
    this.#attempts.set(publishId, since);
  }

  update(publishId: string, changes: Partial<Omit<BookedPublish, 'request'>>): void {
    const booked = this.publishes.get(publishId);
    if (booked) this.publishes.set(publishId, { ...booked, ...changes });
  }

  /** The present state of a publish; `live` is the node's own state of it, if it serves it. */
  latest(publishId: string, live: LiveLease | undefined): BookedPublish | undefined {
    const booked = this.publishes.get(publishId);
    if (this.#over.has(publishId) || !live) return booked;
    const { state, streamId, playKeyHash, ...request } = live;
    const { since = '', lastTimestamp = 0 } = booked ?? {};
    const decided = booked && booked.state !== 'starting' ? booked.state : state;
    return { request, since, leased: true, state: decided, streamId, playKeyHash, lastTimestamp };
  }

  close(publishId: string): void {
    this.publishes.delete(publishId);
    this.#over.set(publishId, true);
  }

  isOver(publishId: string): boolean {
    return this.#over.has(publishId);
  }

  /** Makes stops of other nodes pending; returns those that were not known. */
  adopt(stops: readonly StopRecord[]): StopRecord[] {
    const fresh = stops.filter(({ jti }) => !this.pendingStops.has(jti) && !this.#delivered.has(jti));
    for (const stop of fresh) this.pendingStops.set(stop.jti, stop);
    return fresh;
  }

  stopDelivered(jti: string): void {
    this.pendingStops.delete(jti);
    this.#delivered.set(jti, true);
  }

  wasDelivered(jti: string): boolean {
    return this.#delivered.has(jti);
  }
}
