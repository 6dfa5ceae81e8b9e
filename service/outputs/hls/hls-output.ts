import { randomBytes } from 'node:crypto';
import type { Fact } from '../../events/fact';
import { describeError, messageOf } from '../../errors/error-text';
import type { HlsStatus } from '../../http/api/schemas/output';
import type { Logger } from '../../logging/logger';
import type { Beginning } from '../fmp4/fragmenter';
import type { InitSegment } from '../fmp4/init-segment';
import { within } from '../../time/within';
import type { MediaMessage, Output, StreamEnding, StreamIdentity } from '../stream/output';
import type { HlsChannel } from './hls-channel';
import {
  areListable,
  LivePlaylist,
  multivariantPlaylist,
  type Part,
  type PlaylistOptions,
  type Segment,
  wholePlaylist,
} from './live-playlist';
import { type HlsStore, MEDIA_PLAYLIST, MULTIVARIANT, WHOLE_PLAYLIST } from './place';
import { type Piece, Segmenter, type SegmenterSink } from './segmenter';
import { StoreQueue } from './store-queue';
import { readPlaylist } from './stored-playlist';

export type HlsFact = Extract<Fact, { type: 'output.gap' }>;

export interface HlsOutputOptions extends PlaylistOptions {
  readonly id: string;
  readonly origin: HlsStatus['origin'];
  readonly identity: StreamIdentity;
  /** Where players of this program find the stream. */
  readonly channel: HlsChannel;
  /** Absent: in memory alone. */
  readonly store?: HlsStore;
  /** Players read from the store, not from this program: what is listed is stored. */
  readonly isRemote: boolean;
  /** Bytes that may wait to be stored. */
  readonly maxWaitingBytes: number;
  /** Keep every segment, and list all of them when the stream ends. Only with a store. */
  readonly keepsAll: boolean;
  /** Path or address of the multivariant playlist, for operators. */
  readonly url: string;
  readonly tell: (fact: HlsFact) => void;
  readonly log: Logger;
  /** The stream's end has been published, and nothing more comes. */
  readonly over?: () => void;
  readonly now?: () => number;
}

/** Segments that are not listed any more are not kept in memory beyond this (bytes). */
const MAX_UNLISTED_BYTES = 64 * 1024 * 1024;
/** How long the end of a stream waits until everything is stored (ms). */
const CLOSE_MS = 10_000;
/** How long a stream waits for the end of the one before it (ms). */
const FORMER_MS = 3 * CLOSE_MS;
/** Ends after which another node, or this one, goes on with the channel at once. */
const CONTINUED = new Set(['shutdown', 'replaced', 'moved']);

/** A segment that is not listed any more, and until when it stays (s of what was packaged). */
interface Unlisted {
  readonly segment: Segment;
  readonly until: number;
}

/** What is being made. */
interface OpenFiles {
  readonly pieces: Piece[];
  readonly parts: Part[];
  readonly date: number;
  readonly isDiscontinuous: boolean;
}

/** Packages one stream for browsers: segments, and playlists that list them. */
export class HlsOutput implements Output, SegmenterSink {
  readonly id: string;
  readonly #options: HlsOutputOptions;
  readonly #since: number;
  readonly #now: () => number;
  readonly #segmenter: Segmenter;
  readonly #queue: StoreQueue | undefined;
  /** Begins the names of this run's files, which are never used twice. */
  readonly #run: string;
  /** What was stored before has been read. */
  #loaded: Promise<void> = Promise.resolve();
  /** It is read again when the first segment is made: the node that the stream comes from may have stored its last one. */
  #mayHaveChanged: boolean;
  /** Resolves when this output writes no more. */
  readonly #released: Promise<void>;
  #release: () => void = () => undefined;
  /** null: not yet. */
  #playlist: LivePlaylist | null = null;
  /** Segments that were made meanwhile. */
  #early: Segment[] = [];
  #unlisted: Unlisted[] = [];
  #whole: Segment[] = [];
  #init: { readonly name: string; readonly segment: InitSegment } | null = null;
  #inits = 0;
  #made = 0;
  #open: OpenFiles | null = null;
  #isDiscontinuous = false;
  /** The first segment follows those of another stream or program. */
  #joins = false;
  /** From the stream's time to that of the clock (ms); the least that was seen since the source began. */
  #clockOffset = Infinity;
  /** That of the newest message alone. */
  #newestOffset = 0;
  #isClockSet = false;
  #bytes = 0;
  #gaps = 0;
  #fault = '';
  #leftOut = '';
  #failure = '';
  #peakBitrate = 0;
  #seconds = 0;

  constructor(options: HlsOutputOptions) {
    const { id, store, segmentMs, partMs, maxWaitingBytes, now = Date.now } = options;
    this.id = id;
    this.#options = options;
    this.#now = now;
    this.#released = new Promise((resolve) => (this.#release = resolve));
    this.#since = now();
    this.#mayHaveChanged = store !== undefined;
    this.#run = now().toString(36) + randomBytes(2).toString('hex');
    this.#segmenter = new Segmenter({ sink: this, segmentMs, partMs });
    options.channel.store = options.isRemote ? undefined : store;
    if (store !== undefined) {
      this.#queue = new StoreQueue({ store, maxBytes: maxWaitingBytes, changed: (fault) => this.#stored(fault) });
    }
    // The stream before, if it has not ended yet, still writes its playlist.
    const former = options.channel.take(this.#released);
    if (former === undefined && store === undefined) this.#begin(options.channel.playlist);
    else this.#loaded = within(FORMER_MS, former ?? Promise.resolve(), () => undefined).then(() => this.#load());
  }

  async #load(): Promise<void> {
    const { store, channel } = this.#options;
    try {
      this.#begin(store === undefined ? channel.playlist : ((await store.read(MEDIA_PLAYLIST))?.toString() ?? ''));
    } catch (error) {
      this.#stored(messageOf(error));
      this.#begin('');
    }
  }

  write(message: MediaMessage): void {
    if (this.#failure !== '') return;
    this.#newestOffset = this.#now() - message.timestamp;
    if (!this.#isClockSet) this.#clockOffset = Math.min(this.#clockOffset, this.#newestOffset);
    this.#segmenter.write(message);
  }

  flush(): void {
    // What is complete was handed on with the message that completed it.
  }

  gap(): void {
    this.#gaps += 1;
    this.#segmenter.gap();
  }

  held(): void {
    // Players wait with a playlist that does not grow.
  }

  resumed(): void {
    this.#segmenter.changeSource();
  }

  async end({ code }: StreamEnding): Promise<void> {
    try {
      await this.#finish(code);
    } finally {
      this.#options.channel.isEnded = true;
      this.#options.channel.changed();
      // Nobody would remove these later.
      this.#forget(this.#unlisted.splice(0).map(({ segment }) => segment));
      await this.#queue?.close(CLOSE_MS);
      this.#options.channel.release(this.#released);
      this.#release();
      this.#options.over?.();
    }
  }

  async #finish(code: string): Promise<void> {
    try {
      this.#segmenter.end();
      this.#closeSegment();
    } catch (error) {
      // After a fault the rest may be unusable; what was made before ends properly.
      this.#options.log.error('the rest of a stream cannot be packaged', { error: describeError(error) });
      this.#open = null;
    }
    await within(CLOSE_MS, this.#loaded, () => undefined);
    if (!CONTINUED.has(code) && this.#playlist !== null) {
      this.#playlist.end();
      this.#publish();
      this.#storeWhole();
    }
  }

  status(): HlsStatus {
    const { id, origin, url } = this.#options;
    const reason = this.#failure || this.#fault || this.#leftOut;
    return {
      kind: 'hls',
      id,
      origin,
      url,
      since: new Date(this.#since).toISOString(),
      reason,
      bytes: this.#bytes,
      gaps: this.#gaps,
      state: this.#failure !== '' || this.#fault !== '' ? 'failed' : this.#made > 0 ? 'live' : 'waiting',
      segments: this.#made,
      waitingBytes: this.#queue?.waitingBytes ?? 0,
    };
  }

  begin(segment: InitSegment, why: Beginning): void {
    this.#closeSegment();
    this.#inits += 1;
    const name = `${this.#run}-${this.#inits}.mp4`;
    this.#init = { name, segment };
    // The first one of a channel's first stream is no change.
    if (why !== 'start') this.#isDiscontinuous = true;
    this.#isClockSet = false;
    // The new source begins with the message that is being written.
    if (why !== 'start') this.#clockOffset = this.#newestOffset;
    this.#keep(name, segment.bytes);
    this.#queue?.add(name, segment.bytes, 'init');
  }

  piece(piece: Piece): void {
    const { partMs, channel } = this.#options;
    if (this.#init === null) return;
    this.#open ??= this.#openSegment(piece);
    const { pieces, parts } = this.#open;
    pieces.push(piece);
    if (partMs > 0) {
      const name = this.#partName(parts.length);
      const { duration, isIndependent } = piece;
      this.#keep(name, piece.bytes);
      parts.push({ name, duration, isIndependent });
    }
    if (piece.isLast) this.#closeSegment();
    else if (partMs > 0) this.#publish();
    channel.changed();
  }

  unsupported(reason: string, isVideo: boolean): void {
    if (isVideo) this.#failure = reason;
    else this.#leftOut = `audio is left out: ${reason}`;
    this.#options.log.warning(isVideo ? 'HLS failed' : 'HLS without audio', {
      channel: this.#options.identity.channel,
      reason,
    });
  }

  /** Continues what was stored before: players that are still there go on with the new stream. */
  #begin(stored: string): void {
    const { segmentMs, partMs, channel } = this.#options;
    channel.isEnded = false;
    const before = readPlaylist(stored);
    const listed = before?.segments ?? [];
    const isContinued = before !== undefined && !before.isEnded;
    const discontinuities = listed.filter(({ isDiscontinuous }) => isDiscontinuous).length;
    this.#playlist = new LivePlaylist(
      { segmentMs, partMs },
      {
        mediaSequence: (before?.mediaSequence ?? 0) + (isContinued ? 0 : listed.length),
        discontinuitySequence: (before?.discontinuitySequence ?? 0) + (isContinued ? 0 : discontinuities),
      },
    );
    if (isContinued) for (const segment of listed) this.#playlist.add(segment);
    else
      this.#leave(
        listed,
        listed.reduce((sum, { duration }) => sum + duration, 0),
      );
    this.#joins = before !== undefined;
    for (const segment of this.#early.splice(0)) this.#list(segment);
  }

  #openSegment({ time }: Piece): OpenFiles {
    this.#isClockSet = true;
    const isDiscontinuous = this.#isDiscontinuous;
    this.#isDiscontinuous = false;
    return { pieces: [], parts: [], date: Math.round(time + this.#clockOffset), isDiscontinuous };
  }

  #closeSegment(): void {
    const { identity, isRemote, log } = this.#options;
    if (this.#open === null || this.#init === null) return;
    const { pieces, ...rest } = this.#open;
    this.#open = null;
    const duration = pieces.reduce((sum, piece) => sum + piece.duration, 0);
    const bytes = pieces.length === 1 ? pieces[0]!.bytes : Buffer.concat(pieces.map((piece) => piece.bytes));
    const name = `${this.#run}-${this.#made}.m4s`;
    this.#shareMemory(rest.parts, bytes);
    this.#made += 1;
    if (duration <= 0) return;
    this.#measure(bytes.length, duration);
    const { isIndependent } = pieces[0]!;
    const inMemory = isRemote || this.#queue !== undefined ? 0 : bytes.length;
    const segment: Segment = { ...rest, name, duration, init: this.#init.name, isIndependent, bytes: inMemory };
    this.#keep(name, bytes);
    if (!isRemote) this.#list(segment);
    this.#queue?.add(name, bytes, 'segment', (isStored) => {
      if (!isRemote) {
        if (isStored) this.#options.channel.drop([name]);
      } else if (isStored) this.#list(segment);
      else {
        this.#gaps += 1;
        this.#isDiscontinuous = true;
        this.#tellGap(duration);
        log.warning('HLS segment not stored', { channel: identity.channel, seconds: duration / 1000 });
      }
    });
  }

  /** Parts become views of their segment, so that nothing is in memory twice. */
  #shareMemory(parts: readonly Part[], segment: Buffer): void {
    let at = 0;
    for (const { name } of parts) {
      const length = this.#options.channel.file(name)?.length ?? 0;
      this.#options.channel.keep(name, segment.subarray(at, at + length));
      at += length;
    }
  }

  #list(segment: Segment): void {
    if (this.#playlist !== null && this.#mayHaveChanged) {
      this.#mayHaveChanged = false;
      this.#playlist = null;
      this.#loaded = this.#load();
    }
    if (this.#playlist === null) {
      this.#early.push(segment);
      return;
    }
    const listed = this.#joins ? { ...segment, isDiscontinuous: true } : segment;
    this.#joins = false;
    const listedMs = this.#playlist.duration;
    this.#leave(this.#playlist.add(listed), listedMs);
    if (this.#options.keepsAll) this.#whole.push(listed);
    this.#publish();
  }

  /** Segments that are not listed any more stay for as long as the playlist that listed them (RFC 8216bis section 6.2.2). */
  #leave(segments: readonly Segment[], listedMs: number): void {
    const until = (duration: number): number => this.#seconds + (listedMs + duration) / 1000;
    this.#unlisted.push(...segments.map((segment) => ({ segment, until: until(segment.duration) })));
    let bytes = this.#unlisted.reduce((sum, { segment }) => sum + segment.bytes, 0);
    const gone: Segment[] = [];
    for (;;) {
      const [first] = this.#unlisted;
      const isKept = first !== undefined && first.until > this.#seconds && bytes <= MAX_UNLISTED_BYTES;
      if (first === undefined || (isKept && !this.#options.keepsAll)) break;
      bytes -= first.segment.bytes;
      gone.push(first.segment);
      this.#unlisted.shift();
    }
    this.#forget(gone);
  }

  #forget(gone: readonly Segment[]): void {
    if (gone.length === 0) return;
    const { channel, keepsAll } = this.#options;
    const left = [...this.#unlisted.map(({ segment }) => segment), ...(this.#playlist?.segments ?? [])];
    const used = new Set(left.map(({ init }) => init));
    if (this.#init !== null) used.add(this.#init.name);
    const inits = [...new Set(gone.map(({ init }) => init))].filter((init) => !used.has(init));
    const segments = gone.map(({ name }) => name);
    channel.drop([...segments, ...inits]);
    channel.dropParts(segments);
    if (!keepsAll) this.#queue?.remove([...segments, ...inits]);
  }

  #publish(): void {
    const { channel, partMs } = this.#options;
    const playlist = this.#playlist;
    if (playlist === null || this.#init === null) return;
    const parts = this.#open?.parts ?? [];
    const hasNext = partMs > 0 && !playlist.isEnded && areListable(parts, partMs);
    const nextPart = hasNext ? this.#partName(parts.length) : '';
    const open = {
      ...{ init: this.#init.name, date: 0, isDiscontinuous: this.#isDiscontinuous },
      ...this.#open,
      parts,
      ...(this.#joins && { isDiscontinuous: true }),
    };
    // Between two segments nothing is known of the next one but the name of its first part.
    const text = parts.length > 0 ? playlist.text(open, nextPart) : withHint(playlist.text(), nextPart);
    channel.playlist = text;
    channel.nextPart = nextPart;
    channel.targetSeconds = playlist.targetSeconds;
    const lastParts = playlist.segments.at(-1)?.parts.length ?? 0;
    channel.position = { next: playlist.next, parts: parts.length, lastParts };
    if (playlist.segments.length > 0 || parts.length > 0) channel.multivariant = this.#multivariant(MEDIA_PLAYLIST);
    if (playlist.segments.length > 0) {
      this.#queue?.add(MEDIA_PLAYLIST, Buffer.from(partMs > 0 ? playlist.text() : text), 'playlist');
      this.#queue?.add(MULTIVARIANT, Buffer.from(this.#multivariant(MEDIA_PLAYLIST)), 'playlist');
    }
    channel.changed();
  }

  #storeWhole(): void {
    if (!this.#options.keepsAll || this.#whole.length === 0) return;
    this.#queue?.add(WHOLE_PLAYLIST, Buffer.from(wholePlaylist(this.#whole)), 'playlist');
    this.#queue?.add(MULTIVARIANT, Buffer.from(this.#multivariant(WHOLE_PLAYLIST)), 'playlist');
    this.#options.channel.multivariant = this.#multivariant(WHOLE_PLAYLIST);
  }

  #multivariant(playlist: string): string {
    const { tracks } = this.#init!.segment;
    const { width = 0, height = 0 } = tracks.find(({ isVideo }) => isVideo) ?? {};
    const codecs = tracks.map(({ codec }) => codec).join(',');
    const meanBitrate = this.#seconds > 0 ? (this.#bytes * 8) / this.#seconds : 1;
    return multivariantPlaylist({
      ...{ peakBitrate: Math.max(this.#peakBitrate, meanBitrate), meanBitrate, codecs, width, height, playlist },
    });
  }

  #measure(bytes: number, durationMs: number): void {
    this.#bytes += bytes;
    this.#seconds += durationMs / 1000;
    this.#peakBitrate = Math.max(this.#peakBitrate, (bytes * 8000) / durationMs);
  }

  #partName(index: number): string {
    return `${this.#run}-${this.#made}.${index}.m4s`;
  }

  #keep(name: string, bytes: Buffer): void {
    if (!this.#options.isRemote) this.#options.channel.keep(name, bytes);
  }

  #stored(fault: string): void {
    if (fault !== '' && this.#fault === '')
      this.#options.log.warning('HLS cannot be stored', { channel: this.#options.identity.channel, reason: fault });
    this.#fault = fault;
  }

  #tellGap(missingMs: number): void {
    const { identity, id, tell } = this.#options;
    const { channel, streamId } = identity;
    tell({ type: 'output.gap', kind: 'hls', channel, streamId, output: id, missingMs: Math.round(missingMs) });
  }
}

function withHint(text: string, nextPart: string): string {
  return nextPart === '' ? text : `${text}#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${nextPart}"\n`;
}
