import { MediaFlag } from '../protocol/media/media-tag';
import { KeyframeWait } from './keyframe-wait';
import { type ContinuedStream, NextSource } from './next-source';
import type { LogMessage } from './open-message';
import type { Publisher } from './publisher';
import { Repetition } from './repetition';
import type { StreamInlet } from './stream-inlet';
import { Timeline } from './timeline';

/** The channel, as the sources of its stream know it. */
export interface SourcesListener {
  /** Runs these steps as one change of the channel. */
  change(steps: () => void): void;
  /** This source is no longer needed. */
  displaced(source: Publisher): void;
  /** A change of source is over: the stream has another source now, none, or still the former one. */
  sourceDecided(): void;
}

/**
 * The sources of one stream: who feeds it, who is to feed it next, and how the next source continues what viewers have.
 *
 * | state        | feeds the stream | its `publisher`                           |
 * | ------------ | ---------------- | ----------------------------------------- |
 * | running      | A                | A                                         |
 * | handing over | A                | B, whose media waits for B's first keyframe |
 * | held         | nobody           | null                                      |
 *
 * | event            | running, A                | handing over, A to B                         | held          |
 * | ---------------- | ------------------------- | -------------------------------------------- | ------------- |
 * | `resume` by C    | A displaced; C continues  | A and B displaced; C continues               | C continues   |
 * | the same, gently | handing over, A to C      | B displaced; handing over, A to C            | C continues   |
 * | `resume` by A    |                           | B displaced; running, A                      |               |
 * | B's keyframe     |                           | A displaced; B continues                     |               |
 * | `hold`           | held                      | B a relay: running, A. Else A displaced; held | held          |
 * | `feedingLost`    |                           | handing over, nobody to B                    |               |
 * | `end`            | held                      | A displaced; held                            | held          |
 *
 * **A source continues the stream** in four steps. What the former source sent completely is sent, by its own clock. The
 * new source's first frame follows the last one by about a frame (Timeline). Frames before its first keyframe are left
 * out; after a handover, it is there already. Audio that players have is left out, as are headers that did not change.
 *
 * **A source of the same origin**, such as a relay that has connected again, begins with frames that players have. They
 * are left out, and the stream goes on by the clock that it had (Repetition).
 */
export class StreamSources {
  /** The stream has had more than one source. */
  isContinued = false;

  readonly #stream: ContinuedStream;
  readonly #listener: SourcesListener;
  readonly #timeline = new Timeline();
  readonly #keyframeWait = new KeyframeWait();
  readonly #repetition = new Repetition();
  #feeding: Publisher | null = null;
  #next: NextSource | null = null;
  #isRelayed = false;
  /** The origin of the source that has left last, and of the one that sent the last frame. */
  #leftOrigin: string | undefined;
  #sentOrigin: string | undefined;

  constructor(stream: ContinuedStream, listener: SourcesListener) {
    this.#stream = stream;
    this.#listener = listener;
  }

  /** The source that has the stream; null while it is held. */
  get publisher(): Publisher | null {
    return this.#next?.publisher ?? this.#feeding;
  }

  /** Whose media players get; null while the stream is held, or if it was lost while another one waits. */
  get feeding(): Publisher | null {
    return this.#feeding;
  }

  /** Takes the publisher's media. */
  get inlet(): StreamInlet {
    return this.#next ?? this.#stream;
  }

  /** The source that feeds the stream, or fed it last, is a client of this node, and no other source waits. */
  get isOwn(): boolean {
    return this.#next === null && !this.#isRelayed;
  }

  /** The present source continues the stream, and no frame of it has been sent yet. */
  get isJoining(): boolean {
    return this.#timeline.isJoining;
  }

  /** The newest frame's timestamp as players got it (ms, 32 bit). */
  get latestTimestamp(): number {
    return this.#timeline.latest;
  }

  /** The first source. */
  begin(source: Publisher): void {
    this.#feeding = source;
    this.#isRelayed = source.isRelay;
  }

  /**
   * Another source resumes the stream; `gently`: the one that feeds it does so until the other's first keyframe. While
   * another waits, the one that feeds it may resume it too: it is not to be replaced after all.
   */
  resume(source: Publisher, gently: boolean): void {
    const waiting = this.#leaveNext();
    if (waiting !== null) this.#listener.displaced(waiting);
    if (waiting !== null && source === this.#feeding) {
      this.#listener.sourceDecided();
      return;
    }
    if (!gently || this.#feeding === null) {
      this.#continueWith(source, true);
      return;
    }
    this.#next = new NextSource(source, this.#stream, (withVideo, feed) =>
      this.#listener.change(() => {
        this.#next = null;
        this.#continueWith(source, withVideo);
        feed();
      }),
    );
  }

  /** The publisher is lost, but may come back. A relay that waits for its keyframe has not had the stream yet. */
  hold(): void {
    const waiting = this.#leaveNext();
    if (waiting?.isRelay !== true) this.#leaveFeeding(waiting !== null);
    if (waiting !== null) this.#listener.sourceDecided();
  }

  /** The source that feeds the stream is lost while another one waits for its keyframe: nobody feeds it until then. */
  feedingLost(): void {
    this.#leaveFeeding(false);
  }

  /** The stream ends. Its publisher is left to the caller. */
  end(): void {
    this.#leaveFeeding(this.#leaveNext() !== null);
  }

  /** Maps a timestamp of the source that feeds the stream to the players'. */
  place(typeId: number, sourceTimestamp: number): number {
    return this.#timeline.place(typeId, sourceTimestamp);
  }

  /** Whether to leave out a frame: players cannot decode it yet, or have what it contains. */
  leavesOut({ typeId, timestamp, sourceTimestamp }: LogMessage, flags: number): boolean {
    if ((flags & MediaFlag.Data) !== 0) return false;
    if (this.#keyframeWait.holds(sourceTimestamp, flags)) return true;
    if (this.#repetition.holds(sourceTimestamp, flags)) {
      this.#timeline.goOn();
      return true;
    }
    return this.#timeline.overlaps(typeId, timestamp, sourceTimestamp);
  }

  /** A frame is sent. */
  sent({ typeId, timestamp, sourceTimestamp }: LogMessage): void {
    this.#timeline.sent(typeId, timestamp, sourceTimestamp);
    this.#repetition.sent(typeId, sourceTimestamp);
  }

  /** @param withVideo false: the source is known to send no video */
  #continueWith(source: Publisher, withVideo: boolean): void {
    // Before the timeline changes: messages that become readable now still follow the former source's clock.
    this.#stream.sourceLeft();
    this.#leaveFeeding(true);
    if (!this.#timeline.isJoining) this.#sentOrigin = this.#leftOrigin;
    this.#timeline.join();
    this.#keyframeWait.begin(withVideo && this.#stream.hasVideo);
    this.#repetition.begin(source.origin !== undefined && source.origin === this.#sentOrigin);
    this.isContinued = true;
    this.#feeding = source;
    this.#isRelayed = source.isRelay;
    this.#listener.sourceDecided();
  }

  #leaveFeeding(displaced: boolean): void {
    if (this.#feeding === null) return;
    this.#leftOrigin = this.#feeding.origin;
    if (displaced) this.#listener.displaced(this.#feeding);
    this.#feeding = null;
  }

  /** Gives up the source that waits for its keyframe; null when none does. */
  #leaveNext(): Publisher | null {
    const next = this.#next;
    next?.abandon();
    this.#next = null;
    return next?.publisher ?? null;
  }
}
