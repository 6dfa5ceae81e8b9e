import type { Publish } from './client-model';
import type { Frame } from './said';

/** A message of a stream, with what a player needs before it. */
export interface Entry {
  readonly frame: Frame;
  readonly videoHeader: Buffer | undefined;
  readonly audioHeader: Buffer | undefined;
  readonly metadata: Buffer | undefined;
}

export interface StreamOptions {
  readonly publish: Publish;
  readonly streamId: string;
  /** What players need. */
  readonly playKey: string;
  /** Whether late players get a cached start. */
  readonly caches: boolean;
}

/** What one publisher has sent, from its acceptance to its end. */
export class StreamModel {
  readonly publish: Publish;
  readonly streamId: string;
  readonly key: string;
  readonly playKey: string;
  readonly entries: Entry[] = [];
  readonly headers: Buffer[] = [];
  readonly descriptions: Buffer[] = [];
  metadata: Buffer | undefined;
  hasVideo = false;
  hasHadKeyframe = false;
  /** It replaced a stream that was live. */
  tookOver = false;
  readonly #caches: boolean;
  #videoHeader: Buffer | undefined;
  #audioHeader: Buffer | undefined;
  /** Index of the newest keyframe that is cached; -1: none. */
  #cachedFrom = -1;

  constructor({ publish, streamId, playKey, caches }: StreamOptions) {
    this.publish = publish;
    this.streamId = streamId;
    this.key = publish.key;
    this.playKey = playKey;
    this.#caches = caches;
  }

  add(frame: Frame): Entry {
    const { kind, payload } = frame;
    // Frames before another header are of no use to late players.
    if (kind === 'videoHeader' && this.#videoHeader?.equals(payload) === false) this.#cachedFrom = -1;
    if (kind === 'videoHeader') this.#videoHeader = payload;
    else if (kind === 'audioHeader') this.#audioHeader = payload;
    else if (kind === 'metadata') this.metadata = payload;
    if (kind === 'metadata') this.descriptions.push(payload);
    if (kind === 'videoHeader' || kind === 'audioHeader') this.headers.push(payload);
    if (kind === 'key' || kind === 'inter' || kind === 'videoHeader') this.hasVideo = true;
    const entry = {
      frame,
      videoHeader: this.#videoHeader,
      audioHeader: this.#audioHeader,
      metadata: this.metadata,
    };
    this.entries.push(entry);
    if (kind === 'key') {
      this.hasHadKeyframe = true;
      if (this.#caches) this.#cachedFrom = this.entries.length - 1;
    }
    return entry;
  }

  /** What late players get, from the newest keyframe on; undefined where none is cached. */
  get cached(): readonly Entry[] | undefined {
    return this.#cachedFrom < 0 ? undefined : this.entries.slice(this.#cachedFrom);
  }

  /** What took turns with the newest keyframe and was complete before it. */
  get looseBeforeCached(): readonly Entry[] {
    let from = this.#cachedFrom;
    if (from < 0 || !this.entries[from]!.frame.loose) return [];
    while (from > 0 && this.entries[from - 1]!.frame.loose) from -= 1;
    return this.entries.slice(from, this.#cachedFrom);
  }

  /** Of a stream without video, some of the newest messages are cached. */
  get cachedSound(): readonly Entry[] {
    return this.#caches && !this.hasVideo ? this.entries : [];
  }

  clearCache(): void {
    this.#cachedFrom = -1;
  }
}
