import { MediaFlag } from '../../protocol/media/media-tag';
import type { MediaMessage } from '../stream/output';
import { LiveEdge } from './live-edge';

/** Takes the stream as outputs get it. */
export interface StreamTaker {
  write(message: MediaMessage): void;
  gap(missingMs: number): void;
}

/** The node leaves groups of pictures out for a player that lags: a jump of this much that was not waited for (ms). */
const LEFT_OUT_MS = 1_000;
/**
 * A connection begins with the newest keyframe that the node has. Frames from longer before the newest one that was seen
 * (ms) are no repetition: the publisher's clock has stepped back.
 */
const MAX_OVERLAP_MS = 10_000;
/** A jump that is larger than the lag by this much (ms) is one of the publisher's clock: no frame is missing. */
const CLOCK_JUMP_MS = 1_000;

/**
 * Joins what several connections bring of one stream: after a break it leaves out what outputs have already, tells of
 * what is missing, and sends the headers again. Also finds what the node left out because this program was too slow: it
 * can be no more than the time that has passed and the lag of this program, whatever the publisher's clock says.
 */
export class StreamJoiner {
  readonly #taker: StreamTaker;
  #metadata: MediaMessage | undefined;
  /** The newest sequence headers and codec metadata, by `MediaTag.configKey`. */
  readonly #headers = new Map<number, MediaMessage>();
  /** Times of the newest frames (ms); -Infinity before the first. */
  #lastVideo = -Infinity;
  #lastAudio = -Infinity;
  #lastKeyframe = Infinity;
  /** When the newest frames were read (ms of a clock that never goes back). */
  #videoReadAt = 0;
  #audioReadAt = 0;
  readonly #edge = new LiveEdge();
  /** Kinds (media flags) whose first new frame after a break has not come. */
  #joining = 0;
  /** The new connection has brought frames that outputs have already: nothing is missing between. */
  #overlaps = false;
  /** Everything is left out until a keyframe. */
  #shedding = false;

  constructor(taker: StreamTaker) {
    this.#taker = taker;
  }

  /** What an output needs that is added now: metadata, then headers, audio before video. */
  headers(): MediaMessage[] {
    const headers = [...this.#headers].sort(([a], [b]) => a - b).map(([, header]) => header);
    return this.#metadata === undefined ? headers : [this.#metadata, ...headers];
  }

  /** The connection broke; another one follows. */
  broke(): void {
    this.#joining =
      (this.#lastVideo === -Infinity ? 0 : MediaFlag.Video) | (this.#lastAudio === -Infinity ? 0 : MediaFlag.Audio);
    this.#overlaps = false;
  }

  /** This program is short of memory: leaves everything out until the next keyframe. */
  shed(): void {
    this.#shedding = this.#lastVideo !== -Infinity;
  }

  /**
   * @param configKey of a header, as `MediaTag` has it
   * @param readAt when it was read (ms of a clock that never goes back)
   */
  take(message: MediaMessage, configKey: number, readAt: number): void {
    const { flags } = message;
    if ((flags & (MediaFlag.Config | MediaFlag.Data)) !== 0) this.#takeHeader(message, configKey);
    else if ((flags & MediaFlag.Video) !== 0) this.#takeVideo(message, readAt);
    else this.#takeAudio(message, readAt);
  }

  #takeHeader(message: MediaMessage, configKey: number): void {
    const isData = (message.flags & MediaFlag.Data) !== 0;
    const known = isData ? this.#metadata : this.#headers.get(configKey);
    if (!isData) this.#headers.set(configKey, message);
    else if (isMetadata(message.payload)) this.#metadata = message;
    // A connection begins with the headers, which outputs have unless they changed.
    const isRepeated = this.#joining !== 0 && known?.payload.equals(message.payload) === true;
    if (!isRepeated && !this.#shedding) this.#taker.write(message);
  }

  #takeVideo(message: MediaMessage, readAt: number): void {
    const { timestamp, flags } = message;
    const missing = timestamp - this.#lastVideo;
    if ((this.#joining & MediaFlag.Video) !== 0) {
      if (this.#isRepeated(timestamp, this.#lastVideo)) {
        this.#overlaps = true;
        return;
      }
      if (missing <= 0) this.#overlaps = false;
      this.#joining = this.#overlaps ? this.#joining & ~MediaFlag.Video : 0;
      if (!this.#overlaps) this.#tellMissing(missing, readAt - this.#videoReadAt);
    } else if ((flags & MediaFlag.Keyframe) !== 0 && this.#lastVideo !== -Infinity) {
      const waitedMs = readAt - this.#videoReadAt;
      const mostMissing = this.#mostMissing(waitedMs);
      const isLeftOut = missing - waitedMs > LEFT_OUT_MS && missing <= mostMissing;
      if (this.#shedding || isLeftOut) this.#tellGap(Math.min(missing, mostMissing));
      this.#shedding = false;
    }
    if (this.#shedding) return;
    this.#lastVideo = timestamp;
    if ((flags & MediaFlag.Keyframe) !== 0) this.#lastKeyframe = timestamp;
    this.#videoReadAt = readAt;
    this.#edge.note(timestamp, readAt);
    this.#taker.write(message);
  }

  #takeAudio(message: MediaMessage, readAt: number): void {
    const { timestamp } = message;
    if ((this.#joining & MediaFlag.Audio) !== 0) {
      if (this.#isRepeated(timestamp, this.#lastAudio)) {
        if (this.#lastVideo === -Infinity) this.#overlaps = true;
        return;
      }
      // The first new video frame decides whether something is missing.
      if ((this.#joining & MediaFlag.Video) !== 0 && !this.#overlaps) return;
      this.#joining &= ~MediaFlag.Audio;
      if (!this.#overlaps) this.#tellMissing(timestamp - this.#lastAudio, readAt - this.#audioReadAt);
    }
    if (this.#shedding) return;
    this.#lastAudio = timestamp;
    this.#audioReadAt = readAt;
    this.#taker.write(message);
  }

  /** Whether outputs have a frame of a new connection already. */
  #isRepeated(timestamp: number, last: number): boolean {
    return timestamp <= last && timestamp > Math.min(last, this.#lastKeyframe) - MAX_OVERLAP_MS;
  }

  /** @param missingMs by the publisher's clock; of one that has stepped back it says nothing */
  #tellMissing(missingMs: number, waitedMs: number): void {
    this.#tellGap(missingMs <= 0 ? waitedMs : Math.min(missingMs, this.#mostMissing(waitedMs)));
  }

  #mostMissing(waitedMs: number): number {
    return waitedMs + this.#edge.lagMs + CLOCK_JUMP_MS;
  }

  #tellGap(missingMs: number): void {
    this.#taker.gap(Math.max(0, Math.round(missingMs)));
    for (const header of this.headers()) this.#taker.write(header);
  }
}

/** Whether a data message is `onMetaData`, by itself or set by `@setDataFrame`. */
function isMetadata(payload: Buffer): boolean {
  return payload.subarray(0, 64).includes('onMetaData');
}
