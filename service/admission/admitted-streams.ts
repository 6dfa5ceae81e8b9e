import type { LeaseRequest, LiveLease } from '../leases/lease-registry';
import type { Publication, StreamGrant } from '../hub/publication';
import type { KeyHash } from '../leases/key-hash';
import type { TakeoverGuard } from './takeover-guard';

/** What this node remembers of a stream that it was let in, beside the publication itself. */
export interface Admitted {
  readonly request: LeaseRequest;
  readonly publication: Publication;
  readonly grant: StreamGrant;
  state: 'live' | 'held';
  graceTimer?: NodeJS.Timeout;
  /** For one that took the channel over from a publisher that was still connected. */
  readonly guard?: TakeoverGuard;
}

/** The streams of this node's own publishers, one a channel. */
export class AdmittedStreams {
  readonly #byChannel = new Map<string, Admitted>();
  #onNoneHeld: (() => void) | undefined;

  add(admitted: Admitted): void {
    this.#byChannel.set(admitted.request.channel, admitted);
  }

  find(channel: string): Admitted | undefined {
    return this.#byChannel.get(channel);
  }

  /** Waits for its publisher to come back, and calls `expired` if it does not in `graceMs`. */
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

  /** All of them, for a registry that has lost its memory. */
  leases(keyHash: KeyHash): LiveLease[] {
    return [...this.#byChannel.values()].map(({ request, state, grant }) => ({
      ...request,
      // The fleet's secret may not have been known when the stream began.
      keyHash: keyHash.of(request.stop.key),
      playKeyHash: keyHash.of(grant.playKey ?? request.stop.key),
      state,
      streamId: grant.streamId,
    }));
  }
}
