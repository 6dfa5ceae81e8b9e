import type { LeaseRequest, LiveLease, StopRecord } from '../lease-registry';
import { BoundedMap } from '../../collections/bounded-map';

/** Sessions and stops that are over, remembered until nothing late can refer to them. */
const MAX_REMEMBERED = 20_000;

/** A session that this node speaks for in the registry. */
export interface BookedSession {
  readonly request: LeaseRequest;
  /** When the registry first heard of it, by the registry's clock (µs); empty when it never did. */
  readonly since: string;
  /** Whether it should have the channel's lease: not while it is being asked for, or waits to replace another. */
  readonly leased: boolean;
  readonly state: 'starting' | 'live' | 'held';
  readonly streamId: string;
  readonly playKeyHash: string;
  readonly lastTimestamp: number;
}

/**
 * What the registry should hold for this node, kept here so that it can be set right after requests that may or may not
 * have been executed, and after the registry lost its memory.
 */
export class SessionBook {
  /** Sessions from the first request on until they ended, moved or were abandoned. */
  readonly sessions = new Map<string, BookedSession>();
  /** Stops that nobody has confirmed yet, by `jti`. */
  readonly pendingStops = new Map<string, StopRecord>();
  readonly #over = new BoundedMap<string, true>(MAX_REMEMBERED);
  readonly #delivered = new BoundedMap<string, true>(MAX_REMEMBERED);
  /** Since when attempts that found the channel taken have been known to the registry. */
  readonly #attempts = new BoundedMap<string, string>(MAX_REMEMBERED);

  open(request: LeaseRequest): void {
    this.sessions.set(request.session, {
      request,
      since: this.#attempts.get(request.session) ?? '',
      leased: false,
      state: 'starting',
      streamId: '',
      playKeyHash: '',
      lastTimestamp: 0,
    });
  }

  /** The channel was taken; the session may still replace the one that has it. */
  putOff(session: string, since: string): void {
    this.sessions.delete(session);
    this.#attempts.set(session, since);
  }

  update(session: string, changes: Partial<Omit<BookedSession, 'request'>>): void {
    const booked = this.sessions.get(session);
    if (booked) this.sessions.set(session, { ...booked, ...changes });
  }

  /** All that is known of a session now; `live` is what the node itself says of it, if it does. */
  latest(session: string, live: LiveLease | undefined): BookedSession | undefined {
    const booked = this.sessions.get(session);
    if (this.#over.has(session) || !live) return booked;
    const { state, streamId, playKeyHash, ...request } = live;
    const { since = '', lastTimestamp = 0 } = booked ?? {};
    const decided = booked && booked.state !== 'starting' ? booked.state : state;
    return { request, since, leased: true, state: decided, streamId, playKeyHash, lastTimestamp };
  }

  close(session: string): void {
    this.sessions.delete(session);
    this.#over.set(session, true);
  }

  isOver(session: string): boolean {
    return this.#over.has(session);
  }

  /** Makes stops pending that others left; gives those of them that are news. */
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
