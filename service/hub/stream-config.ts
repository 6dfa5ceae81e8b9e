import { headerLength, restamp } from '../protocol/chunk/chunk-writer';
import type { AmfObject } from '../protocol/amf/amf-value';
import { codecName } from '../protocol/media/media-tag';
import type { Unwrap } from './message-log';

/** Limit what a publisher can make the server keep: sequence headers of many tracks, and the size of each. */
const MAX_CONFIGS = 64;
const MAX_CONFIG_BYTES = 64 * 1024;
/** The lowest key of video, see `MediaTag.configKey`. */
const FIRST_VIDEO_KEY = 0x10000;
const MANY_TRACKS_KEY = 0xf000;
/** The packet type in the lowest bits of the key. */
const SEQUENCE_START = 0;

interface StoredConfig {
  readonly key: number;
  /** Undefined: the codec has changed, and no header of the new one has come. */
  readonly encoded: Buffer | undefined;
  /** As in `MediaTag.codec`: -1 for side tracks. */
  readonly codec: number;
  /** Counts up with each header that is new. */
  readonly age: number;
  /** The log's position from which `encoded` applies; before, `former` does. */
  readonly since: number;
  readonly former: Buffer | undefined;
}

/**
 * The stream's description and the newest sequence header of each track: what a late player needs before any frame.
 * Kept apart from the log, in chunk-encoded form, since they outlive the slabs they came in. When a header is replaced,
 * the previous one is kept for players that start before the replacement.
 */
export class StreamConfig {
  /** The values of the newest onMetaData, for reports. */
  description: AmfObject | undefined;
  #metadata: Buffer | undefined;
  readonly #configs = new Map<number, StoredConfig>();
  #ages = 0;

  setMetadata(encoded: Buffer): void {
    this.#metadata = Buffer.from(encoded);
  }

  /**
   * Keeps the sequence header at this position of the log; it replaces the one with the same `key`. No more than 64 are
   * kept, and none of more than 64 KB, which no codec needs. Returns whether it replaces one with different contents.
   */
  set(key: number, encoded: Buffer, position = 0, codec = -1): boolean {
    const stored = this.#configs.get(key);
    if (stored === undefined && this.#configs.size >= MAX_CONFIGS) return false;
    const copy = encoded.length > MAX_CONFIG_BYTES ? undefined : Buffer.from(encoded);
    if (this.has(key, encoded)) {
      this.#configs.set(key, { ...stored!, encoded: copy });
      return false;
    }
    const since = stored === undefined ? 0 : position;
    this.#ages += 1;
    this.#configs.set(key, { key, encoded: copy, codec, age: this.#ages, since, former: stored?.encoded });
    return stored?.encoded !== undefined;
  }

  /** The main track has another codec from this position on: headers of the previous codec do not apply to it. */
  codecChanged(video: boolean, codec: number, position: number): void {
    for (const stored of this.#configs.values()) {
      const { key, encoded } = stored;
      if (isVideo(key) !== video || stored.codec < 0 || encoded === undefined) continue;
      if (codecName(stored.codec, video) === codecName(codec, video)) continue;
      this.#configs.set(key, { ...stored, encoded: undefined, since: position, former: encoded });
    }
  }

  /** Counts the headers that differ from the one before them. */
  get revision(): number {
    return this.#ages;
  }

  /** The newest sequence header of this kind whose codec is the main track's, in chunk-encoded form. */
  mainHeader(video: boolean, codec: number): Buffer | undefined {
    let newest: StoredConfig | undefined;
    const name = codecName(codec, video);
    for (const stored of this.#configs.values()) {
      const { key, encoded, age } = stored;
      if (isVideo(key) !== video || (key & 0x0f) !== SEQUENCE_START || encoded === undefined) continue;
      if (stored.codec < 0 || codecName(stored.codec, video) !== name) continue;
      if (newest === undefined || age > newest.age) newest = stored;
    }
    return newest?.encoded;
  }

  /** Whether the stored sequence header under this key is the same, whatever its timestamp. */
  has(key: number, encoded: Buffer): boolean {
    const stored = this.#configs.get(key)?.encoded;
    return stored !== undefined && payloadOf(stored).equals(payloadOf(encoded));
  }

  /**
   * Metadata and headers for one player, on its message stream: metadata first, then audio, then video.
   *
   * @param from the position in the log that the player starts at
   * @param unwrap for players that get the main tracks only
   */
  encodeFor(streamId: number, from = Infinity, unwrap?: Unwrap): Buffer {
    const messages: Buffer[] = this.#metadata === undefined ? [] : [this.#metadata];
    for (const { encoded, since, former } of this.#inOrder()) {
      const config = from < since ? former : encoded;
      const part = config === undefined || unwrap === undefined ? config : unwrap(config);
      if (part !== undefined) messages.push(part);
    }
    const all = Buffer.concat(messages);
    let at = 0;
    for (const message of messages) {
      restamp(all, at, streamId);
      at += message.length;
    }
    return all;
  }

  /** In the order of keys; by age, the newest last, where a header of many tracks may repeat those of single tracks. */
  #inOrder(): StoredConfig[] {
    const all = [...this.#configs.values()];
    return [false, true].flatMap((video) => {
      const ofKind = all.filter(({ key }) => isVideo(key) === video);
      const overlap = ofKind.some(({ key }) => (key & MANY_TRACKS_KEY) !== 0);
      return ofKind.sort((a, b) => (overlap ? a.age - b.age : a.key - b.key));
    });
  }
}

function isVideo(key: number): boolean {
  return key >= FIRST_VIDEO_KEY;
}

/** Everything after the header of an encoded message's first chunk. */
function payloadOf(encoded: Buffer): Buffer {
  return encoded.subarray(encoded.readUIntBE(1, 3) === 0xffffff ? headerLength(0xffffff) : headerLength(0));
}
