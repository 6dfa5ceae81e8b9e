import type { HlsStore } from './place';

/** How far a live playlist is: segments before `next` are complete, and of `next` itself this many parts. */
export interface Position {
  readonly next: number;
  readonly parts: number;
  /** Parts of the segment before `next`. */
  readonly lastParts: number;
}

interface Waiter {
  readonly isDue: () => boolean;
  readonly wake: (isDue: boolean) => void;
}

/** Requests that may wait for one channel at a time. */
const MAX_WAITERS = 1_000;

/**
 * What a channel has for players that ask this program: playlists, and files that are in memory. Its output writes here,
 * and the HTTP server reads.
 */
export class HlsChannel {
  multivariant = '';
  playlist = '';
  targetSeconds = 1;
  isEnded = false;
  position: Position = { next: 0, parts: 0, lastParts: 0 };
  /** The part that the playlist announces as the next one; empty: none. */
  nextPart = '';
  /** Files that are not in memory are read from here. */
  store: HlsStore | undefined;
  readonly #files = new Map<string, Buffer>();
  readonly #waiters = new Set<Waiter>();
  #writer: Promise<void> | undefined;

  /** Bytes of files in memory. Parts share the memory of their segments. */
  get bytes(): number {
    let bytes = 0;
    for (const [name, file] of this.#files) if (!isPart(name)) bytes += file.length;
    return bytes;
  }

  /** Files in memory, parts included. */
  get size(): number {
    return this.#files.size;
  }

  /** Requests that wait for what is not there yet. */
  get waiting(): number {
    return this.#waiters.size;
  }

  keep(name: string, bytes: Buffer): void {
    this.#files.set(name, bytes);
  }

  drop(names: readonly string[]): void {
    for (const name of names) this.#files.delete(name);
  }

  /** Drops the parts of segments, which share their memory. */
  dropParts(segments: readonly string[]): void {
    for (const name of segments) {
      const base = name.replace(/\.m4s$/, '');
      for (let part = 0; this.#files.delete(`${base}.${part}.m4s`); part += 1);
    }
  }

  file(name: string): Buffer | undefined {
    return this.#files.get(name);
  }

  /**
   * An output begins to write here.
   *
   * @param released resolves when it writes no more
   * @returns the same of the output before it, which may still write; undefined: there is none
   */
  take(released: Promise<void>): Promise<void> | undefined {
    const former = this.#writer;
    this.#writer = released;
    return former;
  }

  release(released: Promise<void>): void {
    if (this.#writer === released) this.#writer = undefined;
  }

  /** Something was published: answers those that wait for it. */
  changed(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.isDue()) continue;
      this.#waiters.delete(waiter);
      waiter.wake(true);
    }
  }

  /** Resolves to true when the condition holds after a change, to false after `withinMs` or if too many wait. */
  until(isDue: () => boolean, withinMs: number): Promise<boolean> {
    if (isDue()) return Promise.resolve(true);
    if (this.#waiters.size >= MAX_WAITERS) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        resolve(false);
      }, withinMs);
      const waiter: Waiter = {
        isDue,
        wake(answer) {
          clearTimeout(timer);
          resolve(answer);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** Answers everybody who waits: nothing more comes. */
  close(): void {
    for (const waiter of this.#waiters) waiter.wake(false);
    this.#waiters.clear();
  }
}

/** `RUN-NUMBER.PART.m4s` */
export function isPart(name: string): boolean {
  return /\.\d+\.m4s$/.test(name);
}

/** How long an ended stream can still be played from memory (ms). */
const ENDED_FOR_MS = 60_000;

/** The channels that this program packages, and those whose stream has just ended. */
export class HlsChannels {
  readonly #channels = new Map<string, HlsChannel>();
  readonly #leaving = new Map<string, NodeJS.Timeout>();
  /** Streams of each channel that have not ended completely: the next one may begin before. */
  readonly #streams = new Map<string, number>();

  find(name: string): HlsChannel | undefined {
    return this.#channels.get(name);
  }

  /** The channel of a stream that begins: the one of the stream before it, if that is still here. */
  open(name: string): HlsChannel {
    clearTimeout(this.#leaving.get(name));
    this.#leaving.delete(name);
    this.#streams.set(name, (this.#streams.get(name) ?? 0) + 1);
    const found = this.#channels.get(name);
    if (found !== undefined) return found;
    const channel = new HlsChannel();
    this.#channels.set(name, channel);
    return channel;
  }

  /** The stream has ended: its last segments stay for a while. */
  leave(name: string): void {
    const others = (this.#streams.get(name) ?? 1) - 1;
    if (others > 0) this.#streams.set(name, others);
    else this.#streams.delete(name);
    if (others > 0 || !this.#channels.has(name)) return;
    clearTimeout(this.#leaving.get(name));
    const timer = setTimeout(() => this.#forget(name), ENDED_FOR_MS).unref();
    this.#leaving.set(name, timer);
  }

  /** Whether the channel is forgotten in a while. */
  isLeaving(name: string): boolean {
    return this.#leaving.has(name);
  }

  close(): void {
    for (const name of [...this.#channels.keys()]) this.#forget(name);
  }

  #forget(name: string): void {
    clearTimeout(this.#leaving.get(name));
    this.#leaving.delete(name);
    this.#channels.get(name)?.close();
    this.#channels.delete(name);
  }
}
