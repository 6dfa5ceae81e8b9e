import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors/error-text';
import type { FileKind, HlsStore } from './place';

interface StoreTask {
  readonly name: string;
  readonly bytes: Buffer;
  readonly kind: FileKind;
  /** How it ended; the file is stored, or was given up. */
  readonly done: (isStored: boolean) => void;
}

export interface StoreQueueOptions {
  readonly store: HlsStore;
  /** More bytes than this may not wait: segments are given up, the oldest first. */
  readonly maxBytes: number;
  /** Storing works, or not and why. */
  readonly changed: (fault: string) => void;
  /** Pause before the second attempt (ms); it doubles with each. */
  readonly retryMs?: number;
}

const ATTEMPTS = 4;
const RETRY_MS = 250;

/**
 * Stores the files of one channel one after another, in the order in which they were given: a playlist never lists what
 * is not stored. Playlists that were replaced while they waited are left out.
 */
export class StoreQueue {
  readonly #options: StoreQueueOptions;
  #tasks: StoreTask[] = [];
  #removals: string[] = [];
  #running: Promise<void> | null = null;
  #isClosed = false;
  #waitingBytes = 0;

  constructor(options: StoreQueueOptions) {
    this.#options = options;
  }

  /** Bytes of segments that wait or are being stored. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  add(name: string, bytes: Buffer, kind: FileKind, done: (isStored: boolean) => void = () => {}): void {
    const same = kind === 'playlist' ? this.#tasks.findIndex((task) => task.name === name) : -1;
    if (same >= 0) this.#tasks.splice(same, 1);
    this.#tasks.push({ name, bytes, kind, done });
    this.#waitingBytes += kind === 'segment' ? bytes.length : 0;
    while (this.#waitingBytes > this.#options.maxBytes) {
      const oldest = this.#tasks.findIndex((task) => task.kind === 'segment');
      if (oldest < 0) break;
      this.#finish(this.#tasks.splice(oldest, 1)[0]!, false);
    }
    this.#run();
  }

  /** Removes files when nothing waits to be stored. */
  remove(names: readonly string[]): void {
    this.#removals.push(...names);
    this.#run();
  }

  /** Resolves when everything is stored or given up, at the latest after `withinMs`. Takes no more. */
  async close(withinMs: number): Promise<void> {
    const late = new AbortController();
    await Promise.race([
      this.#running,
      delay(withinMs, undefined, { signal: late.signal, ref: false }).catch(() => {}),
    ]);
    late.abort();
    this.#isClosed = true;
    for (const task of this.#tasks.splice(0)) this.#finish(task, false);
  }

  #run(): void {
    this.#running ??= this.#work().finally(() => {
      this.#running = null;
      if (this.#tasks.length > 0 && !this.#isClosed) this.#run();
    });
  }

  async #work(): Promise<void> {
    for (;;) {
      const task = this.#tasks.shift();
      if (task !== undefined) this.#finish(task, await this.#store(task));
      else if (this.#removals.length > 0) await this.#remove(this.#removals.splice(0));
      else return;
    }
  }

  #finish({ bytes, kind, done }: StoreTask, isStored: boolean): void {
    if (kind === 'segment') this.#waitingBytes -= bytes.length;
    done(isStored);
  }

  async #store({ name, bytes, kind }: StoreTask): Promise<boolean> {
    const { store, changed, retryMs = RETRY_MS } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await store.write(name, bytes, kind);
        changed('');
        return true;
      } catch (error) {
        changed(messageOf(error));
        if (attempt === ATTEMPTS || this.#isClosed) return false;
        await delay(retryMs * 2 ** (attempt - 1) * (0.5 + Math.random()), undefined, { ref: false });
      }
    }
  }

  async #remove(names: readonly string[]): Promise<void> {
    // A file that stays costs space alone; the bucket's lifecycle, or the next stream, removes it.
    await this.#options.store.remove(names).catch(() => {});
  }
}
