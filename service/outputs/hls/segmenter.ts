import { type Beginning, type Fragment, Fragmenter, type FragmentSink } from '../fmp4/fragmenter';
import type { InitSegment } from '../fmp4/init-segment';
import type { MediaMessage } from '../stream/output';

/** A piece of a segment: a part, if there are parts. */
export interface Piece extends Fragment {
  /** It is the last of its segment. */
  readonly isLast: boolean;
}

export interface SegmenterSink {
  begin(init: InitSegment, why: Beginning): void;
  piece(piece: Piece): void;
  unsupported(reason: string, isVideo: boolean): void;
}

export interface SegmenterOptions {
  readonly sink: SegmenterSink;
  readonly segmentMs: number;
  /** The longest piece (ms); 0: as long as a segment should be. */
  readonly partMs: number;
}

/** A keyframe this much earlier than asked for ends a segment too: times are rounded, and encoders not exact. */
const EARLY = 0.95;
/** A segment without a keyframe ends here, or after twice its usual length: playlists list several of the longest. */
const MAX_SEGMENT_MS = 20_000;
const MAX_SEGMENT_BYTES = 24 * 1024 * 1024;

/** Cuts a stream into segments that begin with keyframes, and segments into pieces. */
export class Segmenter implements FragmentSink {
  readonly #options: SegmenterOptions;
  readonly #fragmenter: Fragmenter;
  /** Where the segment began (ms of the stream); null: the next piece begins one. */
  #from: number | null = null;
  #bytes = 0;
  #hasVideo = false;
  /** A keyframe ends the segment with the piece that comes next. */
  #isClosing = false;

  constructor(options: SegmenterOptions) {
    this.#options = options;
    const { partMs, segmentMs } = options;
    this.#fragmenter = new Fragmenter({
      sink: this,
      fragmentMs: partMs > 0 ? partMs : segmentMs,
      cutsAt: (time) => this.#cutsAt(time),
    });
  }

  write(message: MediaMessage): void {
    this.#fragmenter.write(message);
  }

  /** What follows has a timeline of its own. */
  changeSource(): void {
    this.#fragmenter.changeSource();
  }

  gap(): void {
    this.#fragmenter.gap();
    this.#fragmenter.changeSource();
  }

  end(): void {
    this.#fragmenter.end();
  }

  begin(init: InitSegment, why: Beginning): void {
    this.#from = null;
    this.#bytes = 0;
    this.#isClosing = false;
    this.#hasVideo = init.tracks.some(({ isVideo }) => isVideo);
    this.#options.sink.begin(init, why);
  }

  fragment(fragment: Fragment): void {
    this.#from ??= fragment.time;
    this.#bytes += fragment.bytes.length;
    const lasted = fragment.time + fragment.duration - this.#from;
    const isLong = lasted >= Math.max(MAX_SEGMENT_MS, 2 * this.#options.segmentMs) || this.#bytes >= MAX_SEGMENT_BYTES;
    const isLast = this.#isClosing || isLong || (!this.#hasVideo && lasted >= this.#options.segmentMs * EARLY);
    if (isLast) {
      this.#from = null;
      this.#bytes = 0;
      this.#isClosing = false;
    }
    this.#options.sink.piece({ ...fragment, isLast });
  }

  unsupported(reason: string, isVideo: boolean): void {
    this.#options.sink.unsupported(reason, isVideo);
  }

  #cutsAt(time: number): boolean {
    // The first piece is not made before its end: until then, the segment begins where the last one ended.
    const from = this.#from ?? this.#fragmenter.from;
    this.#isClosing = time - from >= this.#options.segmentMs * EARLY;
    return this.#isClosing;
  }
}
