import { type Beginning, type Fragment, Fragmenter } from '../fmp4/fragmenter';
import type { InitSegment } from '../fmp4/init-segment';
import type { MediaMessage } from '../stream/output';
import type { Container, CutReason, FileSink } from './container';

/** A fragment that is not complete is lost with the program: fragments are short, whatever the distance of keyframes. */
const FRAGMENT_MS = 2_000;

/** Fragmented MP4: main tracks only, one `moof` and `mdat` for each two seconds. Times begin at zero in each file. */
export class Mp4Container implements Container {
  fileMs = 0;
  readonly #sink: FileSink;
  readonly #fragmenter: Fragmenter;
  /** A file begins with its first fragment. */
  #next: { readonly init: InitSegment; readonly why: CutReason | undefined } | undefined;
  #cut: CutReason | undefined;
  #zero = 0;

  constructor(sink: FileSink) {
    this.#sink = sink;
    this.#fragmenter = new Fragmenter({
      fragmentMs: FRAGMENT_MS,
      sink: {
        begin: (init, why) => (this.#next = { init, why: this.#why(why) }),
        fragment: (fragment) => this.#fragment(fragment),
        unsupported: (reason, isVideo) => sink.unsupported(reason, isVideo),
      },
    });
  }

  write(message: MediaMessage): void {
    this.#fragmenter.write(message);
  }

  gap(): void {
    this.#fragmenter.gap();
  }

  allowStep(): void {
    // A larger step begins a file: gaps are rare, and players show them as they like.
  }

  cut(why: CutReason): void {
    if (this.#cut !== undefined) return;
    this.#cut = why;
    this.#fragmenter.changeSource();
  }

  end(): void {
    this.#fragmenter.end();
  }

  #why(why: Beginning): CutReason | undefined {
    if (why === 'start') return undefined;
    return why === 'source' ? (this.#cut ?? why) : why;
  }

  #fragment({ bytes, time, duration }: Fragment): void {
    if (this.#next !== undefined) {
      const { init, why } = this.#next;
      this.#next = undefined;
      this.#cut = undefined;
      this.#zero = time;
      const nameOf = (isVideo: boolean): string => init.tracks.find((track) => track.isVideo === isVideo)?.entry ?? '';
      this.#sink.begin({ why, streamTime: time, video: nameOf(true), audio: nameOf(false) });
      this.#sink.append(init.bytes);
    }
    this.fileMs = time + duration - this.#zero;
    this.#sink.append(bytes);
  }
}
