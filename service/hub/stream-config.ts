import { headerLength, restamp } from '../protocol/chunk/chunk-writer';
import type { AmfObject } from '../protocol/amf/amf-value';
import { codecName } from '../protocol/media/media-tag';
import type { Unwrap } from './message-log';

/**
 * Limit what a publisher can make the server keep: sequence headers of many tracks, those that were replaced, and the
 * size of each.
 */
const MAX_CONFIGS = 64;
const MAX_REPLACED = 64;
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
  /** The log's position from which `encoded` applies; before, a replaced header does. */
  readonly since: number;
}

interface ReplacedConfig {
  readonly key: number;
  readonly encoded: Buffer | undefined;
  /** The log's position from which it does not apply any more. */
  readonly until: number;
}

/**
 * The stream's description and the newest sequence header of each track: what a late player needs before any frame.
 * Kept apart from the log, in chunk-encoded form, since they outlive the slabs they came in. Headers that were replaced
 * are kept as long as a player may start before the replacement.
 */
export class StreamConfig {
  /** The values of the newest onMetaData, for reports. */
  description: AmfObject | undefined;
  #metadata: Buffer | undefined;
  readonly #configs = new Map<number, StoredConfig>();
  /** In the order in which they were replaced. */
  readonly #replaced: ReplacedConfig[] = [];
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
    if (stored !== undefined) this.#replaced.push({ key, encoded: stored.encoded, until: position });
    this.#configs.set(key, { key, encoded: copy, codec, age: this.#ages, since });
    return stored?.encoded !== undefined;
  }

  /** No player starts before this position of the log any more: replaced headers that applied only there are dropped. */
  forgetBefore(position: number): void {
    let count = 0;
    while (count < this.#replaced.length && this.#replaced[count]!.until <= position) count += 1;
    if (count > 0) this.#replaced.splice(0, count);
  }

  /** More replaced headers are kept than a publisher may make the server keep. */
  get hasTooManyReplaced(): boolean {
    return this.#replaced.length > MAX_REPLACED;
  }

  /** The main track has another codec from this position on: headers of the previous codec do not apply to it. */
  codecChanged(video: boolean, codec: number, position: number): void {
    for (const stored of this.#configs.values()) {
      const { key, encoded } = stored;
      if (isVideo(key) !== video || stored.codec < 0 || encoded === undefined) continue;
      if (codecName(stored.codec, video) === codecName(codec, video)) continue;
      this.#replaced.push({ key, encoded, until: position });
      this.#configs.set(key, { ...stored, encoded: undefined, since: position });
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
   * @param from the position in the log that the player starts at, not before that of `forgetBefore`
   * @param unwrap for players that get the main tracks only
   */
  encodeFor(streamId: number, from = Infinity, unwrap?: Unwrap): Buffer {
    const messages: Buffer[] = this.#metadata === undefined ? [] : [this.#metadata];
    for (const stored of this.#inOrder()) {
      const config = this.#at(stored, from);
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

  /** The header that applies at this position of the log. */
  #at({ key, encoded, since }: StoredConfig, position: number): Buffer | undefined {
    if (position >= since) return encoded;
    return this.#replaced.find((replaced) => replaced.key === key && position < replaced.until)?.encoded;
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
