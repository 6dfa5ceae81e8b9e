import type { LeaseRequest, LiveLease } from '../leases/lease-registry';
import type { Publication, StreamGrant } from '../hub/publication';
import type { KeyHash } from '../leases/key-hash';
import type { TakeoverGuard } from './takeover-guard';

/** What this node remembers of an accepted stream, in addition to the publication. */
export interface Admitted {
  readonly request: LeaseRequest;
  readonly publication: Publication;
  readonly grant: StreamGrant;
  state: 'live' | 'held';
  graceTimer?: NodeJS.Timeout;
  /** For a stream that took the channel over from a publisher that was still connected. */
  readonly guard?: TakeoverGuard;
}

/** The streams of this node's publishers (without relays), one per channel. */
export class AdmittedStreams {
  readonly #byChannel = new Map<string, Admitted>();
  #onNoneHeld: (() => void) | undefined;

  add(admitted: Admitted): void {
    this.#byChannel.set(admitted.request.channel, admitted);
  }

  find(channel: string): Admitted | undefined {
    return this.#byChannel.get(channel);
  }

  /** Waits for the stream's publisher to reconnect, and calls `expired` if it does not within `graceMs`. */
  hold(admitted: Admitted, graceMs: number, expired: () => void): void {
    admitted.state = 'held';
    admitted.graceTimer = setTimeout(expired, graceMs);
  }

  forget(admitted: Admitted): void {
    clearTimeout(admitted.graceTimer);
    const { channel } = admitted.request;
    if (this.#byChannel.get(channel) === admitted) this.#byChannel.delete(channel);
    if (this.held().length === 0) this.#onNoneHeld?.();
  }

  [Symbol.iterator](): Iterator<Admitted> {
    return this.#byChannel.values();
  }

  held(): Admitted[] {
    return [...this.#byChannel.values()].filter(({ state }) => state === 'held');
  }

  /** Resolves when no stream waits for its publisher any more, at most after `timeoutMs`. */
  async noneHeld(timeoutMs: number): Promise<void> {
    if (this.held().length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onNoneHeld = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** All leases, for a registry that has lost its data. */
  leases(keyHash: KeyHash): LiveLease[] {
    return [...this.#byChannel.values()].map(({ request, state, grant }) => ({
      ...request,
      // The fleet's secret may not have been known when the stream began.
      keyHash: keyHash.of(request.channel, request.stop.key),
      playKeyHash: keyHash.of(request.channel, grant.playKey ?? request.stop.key),
      state,
      streamId: grant.streamId,
    }));
  }
}
