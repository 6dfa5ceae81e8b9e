import type { Publication } from '../hub/publication';
import type { GraceClock } from './grace-clock';
import type { SilenceWatch } from './silence-watch';

/** A stream of this node that the machine knows as live or held, with what its state means here. */
export interface Admitted {
  readonly publish: string;
  readonly publication: Publication;
  /** For a stream that took the channel over from a publisher that was still connected. */
  readonly silence: SilenceWatch | undefined;
  /** Present once its publisher was lost. */
  grace?: GraceClock;
}

/** The streams of this node's publishers (without relays), one per channel. */
export class AdmittedStreams {
  readonly #byChannel = new Map<string, Admitted>();
  #onNoneHeld: (() => void) | undefined;

  add(channel: string, admitted: Admitted): void {
    this.#byChannel.set(channel, admitted);
  }

  find(channel: string): Admitted | undefined {
    return this.#byChannel.get(channel);
  }

  forget(channel: string): void {
    this.#byChannel.get(channel)?.grace?.stand();
    this.#byChannel.delete(channel);
    if (this.held().length === 0) this.#onNoneHeld?.();
  }

  [Symbol.iterator](): Iterator<[string, Admitted]> {
    return this.#byChannel.entries();
  }

  held(): [string, Admitted][] {
    return [...this.#byChannel].filter(([, { grace }]) => grace !== undefined);
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
}
