import { headerLength, restamp } from '../protocol/chunk/chunk-writer';
import type { AmfObject } from '../protocol/amf/amf-value';

/** Bound what a publisher can make the server keep: sequence starts of many tracks, and their sizes. */
const MAX_CONFIGS = 64;
const MAX_CONFIG_BYTES = 64 * 1024;

/**
 * The stream's description and the newest sequence header of each track: what a late player needs before any frame.
 * Kept apart from the log, in chunk-encoded form, since they outlive the slabs they came in.
 */
export class StreamConfig {
  /** The values of the newest onMetaData, for reports. */
  description: AmfObject | undefined;
  #metadata: Buffer | undefined;
  readonly #configs = new Map<number, Buffer>();

  setMetadata(encoded: Buffer): void {
    this.#metadata = Buffer.from(encoded);
  }

  /**
   * Keeps a sequence header; `key` says which earlier one it replaces. Beyond 64 different ones none is added, and none
   * of more than 64 KB, which no codec's comes near, is kept. Returns whether it replaces one with other contents.
   */
  set(key: number, encoded: Buffer): boolean {
    const replaces = this.#configs.has(key) && !this.has(key, encoded);
    if (encoded.length > MAX_CONFIG_BYTES) this.#configs.delete(key);
    else if (this.#configs.has(key) || this.#configs.size < MAX_CONFIGS) this.#configs.set(key, Buffer.from(encoded));
    return replaces;
  }

  /** Whether the stored sequence header under this key is the same, whatever its timestamp. */
  has(key: number, encoded: Buffer): boolean {
    const stored = this.#configs.get(key);
    return stored !== undefined && payloadOf(stored).equals(payloadOf(encoded));
  }

  /** All of it for one player, on its message stream: metadata first, then audio, then video (keys are ordered so). */
  encodeFor(streamId: number): Buffer {
    const messages = [...this.#configs].sort(([a], [b]) => a - b).map(([, encoded]) => encoded);
    if (this.#metadata !== undefined) messages.unshift(this.#metadata);
    const all = Buffer.concat(messages);
    let at = 0;
    for (const message of messages) {
      restamp(all, at, streamId);
      at += message.length;
    }
    return all;
  }
}

/** What follows the header of an encoded message; without the headers of later chunks where timestamps are short. */
function payloadOf(encoded: Buffer): Buffer {
  return encoded.subarray(encoded.readUIntBE(1, 3) === 0xffffff ? headerLength(0xffffff) : headerLength(0));
}
