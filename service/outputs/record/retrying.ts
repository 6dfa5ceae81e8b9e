import { Backoff } from '../../time/backoff';
import { isPermanentFault } from '../s3/s3-bucket';

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;

/** The program ends: what is not stored now is completed by the next one. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/** Repeats what fails until it succeeds, the program ends, or S3 says that the request itself is wrong. */
export class Retrying {
  readonly #stop: AbortSignal;
  readonly #words: (error: unknown) => string;
  /** Why the newest attempt failed; empty: it succeeded. */
  trouble = '';

  constructor(stop: AbortSignal, words: (error: unknown) => string) {
    this.#stop = stop;
    this.#words = words;
  }

  /**
   * @param isFinal faults that no repetition mends
   * @throws Stopped, or a fault that is final
   */
  async do<T>(attempt: () => Promise<T>, isFinal: (error: unknown) => Promise<boolean> = isPermanent): Promise<T> {
    const backoff = new Backoff(FIRST_PAUSE_MS, MAX_PAUSE_MS);
    for (;;) {
      if (this.#stop.aborted) throw new Stopped();
      try {
        const result = await attempt();
        this.trouble = '';
        return result;
      } catch (error) {
        this.trouble = this.#words(error);
        if (await isFinal(error)) throw error;
        await this.#pause(backoff.next());
      }
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#stop.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#stop.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#stop.addEventListener('abort', done);
    });
  }
}

const isPermanent = (error: unknown): Promise<boolean> => Promise.resolve(isPermanentFault(error));
