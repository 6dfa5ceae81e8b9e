import { addressGroup } from '../addresses/address-group';
import type { Refusal, RefusalCode } from '../http/api/schemas/refusal';
import { refusalSentence } from './refusal-words';

/** A publish that was refused. */
export interface RefusedPublish {
  readonly channel: string;
  readonly address: string;
  readonly encoder: string;
  readonly code: RefusalCode;
  /** What the client was told. */
  readonly reason: string;
}

interface Entry {
  readonly channel: string;
  readonly group: string;
  readonly code: RefusalCode;
  address: string;
  reason: string;
  count: number;
  firstAt: number;
  lastAt: number;
}

/** Most entries: one for each channel, address and code. */
const MAX_ENTRIES = 2_000;
/** Most entries of one address, so that a client that tries many channels does not push out all others. */
const MAX_PER_ADDRESS = 50;
/** After a pause of this length, counting starts again (ms). */
const PAUSE_MS = 30 * 60_000;
/** How long a refusal is remembered (ms). */
const KEEP_MS = 2 * 60 * 60_000;

/** Counts refused publishes for each channel, client address and code, in bounded memory. */
export class RefusalBook {
  /** The one that was refused longest ago first. */
  readonly #entries = new Map<string, Entry>();
  readonly #perAddress = new Map<string, Set<string>>();

  /** Counts a refusal; `nowMs` is milliseconds since the epoch. */
  add({ channel, address, code, reason }: RefusedPublish, nowMs: number): Entry {
    const group = addressGroup(address);
    const key = `${channel} ${code} ${group}`;
    let entry = this.#entries.get(key);
    if (entry === undefined || nowMs - entry.lastAt > PAUSE_MS) {
      this.#remove(key);
      this.#makeRoom(group);
      entry = { channel, group, code, address, reason, count: 0, firstAt: nowMs, lastAt: nowMs };
      const keys = this.#perAddress.get(group);
      if (keys === undefined) this.#perAddress.set(group, new Set([key]));
      else keys.add(key);
    }
    entry.count += 1;
    Object.assign(entry, { address, reason, lastAt: nowMs });
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  /** The newest first; of one channel, or of all. */
  list(node: string, nowMs: number, channel?: string): Refusal[] {
    const found: Refusal[] = [];
    for (const [key, entry] of this.#entries) {
      if (nowMs - entry.lastAt > KEEP_MS) this.#remove(key);
      else if (channel === undefined || entry.channel === channel) found.push(describe(entry, node));
    }
    return found.reverse();
  }

  #makeRoom(group: string): void {
    const keys = this.#perAddress.get(group);
    if (keys !== undefined && keys.size >= MAX_PER_ADDRESS) this.#remove(first(keys));
    if (this.#entries.size >= MAX_ENTRIES) this.#remove(first(this.#entries.keys()));
  }

  #remove(key: string | undefined): void {
    const entry = key === undefined ? undefined : this.#entries.get(key);
    if (key === undefined || entry === undefined) return;
    this.#entries.delete(key);
    const keys = this.#perAddress.get(entry.group);
    keys?.delete(key);
    if (keys?.size === 0) this.#perAddress.delete(entry.group);
  }
}

function describe({ channel, address, code, reason, count, firstAt, lastAt }: Entry, node: string): Refusal {
  return {
    channel,
    address,
    node,
    code,
    reason,
    count,
    firstAt: new Date(firstAt).toISOString(),
    lastAt: new Date(lastAt).toISOString(),
    sentence: refusalSentence(code, address, count, lastAt - firstAt),
  };
}

function first<T>(items: Iterable<T>): T | undefined {
  for (const item of items) return item;
  return undefined;
}
