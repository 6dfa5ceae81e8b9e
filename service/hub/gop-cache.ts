import { MediaFlag } from '../protocol/media/media-tag';

/** A stream without video keeps AUDIO_STEPS steps of this many milliseconds for late players. */
const AUDIO_STEP_MS = 1000;
const AUDIO_STEPS = 3;
/**
 * Video has stopped when the next frame is overdue by this much (ms); the gap between the last two says when it is due.
 */
const VIDEO_OVERDUE_MS = 5_000;
/** Expected gap to the next frame before two have come, and the most after that (ms): slide shows send few frames. */
const FIRST_FRAME_GAP_MS = 10_000;
const MAX_FRAME_GAP_MS = 30_000;
/** A longer gap between two audio messages (ms) is a step of the encoder's clock, and counts as this much. */
const MAX_AUDIO_GAP_MS = 1_000;
/** Messages that the cache may hold: half an hour of 60 frames and 50 audio messages a second. */
export const MAX_CACHED_MESSAGES = 200_000;

/** A place in the log that the cache may start at. */
interface Step {
  readonly position: number;
  /** Bytes of all messages before it. */
  readonly bytesBefore: number;
  /** How many messages came before it. */
  readonly messagesBefore: number;
  /** By the clock of the audio messages (ms). */
  readonly time: number;
}

/**
 * Decides from which position a stream's log is kept for late players: from the last video keyframe or, without video,
 * the last few seconds. A stream whose video has stopped while audio continues counts as one without video. Holds no
 * bytes, only the position.
 */
export class GopCache {
  /** Position from which a late player starts; -1 while nothing is cached. */
  start = -1;

  readonly #maxBytes: number;
  #hasVideo = false;
  /** Bytes of all messages so far, and of those before `start`. */
  #bytes = 0;
  #bytesBefore = 0;
  /** The same in messages. */
  #messages = 0;
  #messagesBefore = 0;
  /** Places where the cache may start once video has stopped, all at or after `start`. */
  readonly #steps: Step[] = [];
  /** A clock that advances with audio timestamps, but without their steps (ms). */
  #audioTime = 0;
  #lastAudio = -1;
  /** Time since the last video frame, and between that frame and the one before, by the audio clock (ms). */
  #sinceFrame = 0;
  #frameGap = FIRST_FRAME_GAP_MS;
  #framesSeen = false;

  /** @param maxBytes bound of the messages that are kept; 0 turns the cache off */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether the cache begins with a keyframe, as opposed to audio only. */
  get startsAtKeyframe(): boolean {
    return this.#hasVideo && this.start >= 0;
  }

  /** Messages from `start` on. */
  get messages(): number {
    return this.start < 0 ? 0 : this.#messages - this.#messagesBefore;
  }

  /**
   * Notes a message at `[position, end)` of the log. `flags` has SequenceHeader only when the header replaces a
   * different one.
   */
  add(position: number, end: number, flags: number, timestamp: number): void {
    if (this.#maxBytes === 0) return;
    if ((flags & MediaFlag.Video) !== 0) this.#addVideo(position, flags);
    else this.#addOther(position, flags, timestamp);
    this.#bytes += end - position;
    this.#messages += 1;
    if (this.start < 0) return;
    if (this.#bytes - this.#bytesBefore > this.#maxBytes || this.messages > MAX_CACHED_MESSAGES) this.clear();
  }

  /** Empties the cache; it fills again from the next keyframe on. */
  clear(): void {
    this.start = -1;
    this.#steps.length = 0;
  }

  #addVideo(position: number, flags: number): void {
    if ((flags & MediaFlag.Keyframe) !== 0) {
      this.#steps.length = 0;
      this.start = position;
      this.#bytesBefore = this.#bytes;
      this.#messagesBefore = this.#messages;
    } else if (!this.#hasVideo || (flags & MediaFlag.SequenceHeader) !== 0) {
      // Frames before a new sequence header cannot be decoded with it, and those before any keyframe not at all.
      this.clear();
    }
    this.#hasVideo = true;
    if ((flags & MediaFlag.Config) !== 0) return;
    if (this.#framesSeen) this.#frameGap = Math.min(this.#sinceFrame, MAX_FRAME_GAP_MS);
    this.#framesSeen = true;
    this.#sinceFrame = 0;
  }

  #addOther(position: number, flags: number, timestamp: number): void {
    const passed = this.#passed(flags, timestamp);
    const isMainFrame = (flags & (MediaFlag.Audio | MediaFlag.Config | MediaFlag.SideTrack)) === MediaFlag.Audio;
    if (isMainFrame && (!this.#hasVideo || this.start >= 0)) this.#addStep(position);
    if (!this.#hasVideo) return;
    this.#sinceFrame += passed;
    if (this.#sinceFrame > this.#frameGap + VIDEO_OVERDUE_MS) {
      this.#hasVideo = false;
      this.#startAtStep();
    }
  }

  /** Time since the previous audio message (ms); 1 for data messages, whose timestamps are not relied on. */
  #passed(flags: number, timestamp: number): number {
    if ((flags & MediaFlag.Audio) === 0) return 1;
    const gap = this.#lastAudio < 0 ? 0 : (timestamp - this.#lastAudio) | 0;
    this.#lastAudio = timestamp;
    // An encoder's clock that stands still or jumps must not let the cache grow for ever.
    const passed = Math.min(Math.max(gap, 1), MAX_AUDIO_GAP_MS);
    this.#audioTime += passed;
    return passed;
  }

  #addStep(position: number): void {
    const last = this.#steps[this.#steps.length - 1];
    if (last !== undefined && this.#audioTime - last.time < AUDIO_STEP_MS) return;
    this.#steps.push({ position, bytesBefore: this.#bytes, messagesBefore: this.#messages, time: this.#audioTime });
    if (this.#steps.length > AUDIO_STEPS) this.#steps.shift();
    if (!this.#hasVideo) this.#startAtStep();
  }

  #startAtStep(): void {
    const [first] = this.#steps;
    this.start = first?.position ?? -1;
    this.#bytesBefore = first?.bytesBefore ?? 0;
    this.#messagesBefore = first?.messagesBefore ?? 0;
  }
}
