import { MediaFlag } from '../protocol/media/media-tag';

/** What a stream without video keeps for late players, in steps of this many milliseconds. */
const AUDIO_STEP_MS = 1000;
const AUDIO_STEPS = 3;
/** Video has stopped when it is overdue by this much (ms): the last two frames say when the next one is due. */
const VIDEO_OVERDUE_MS = 5_000;
/** When the next frame is due before there have been two, and at most after that (ms): slide shows send few. */
const FIRST_FRAME_GAP_MS = 10_000;
const MAX_FRAME_GAP_MS = 30_000;
/** The most that two audio messages can be apart (ms): the rest is a step of the encoder's clock. */
const MAX_AUDIO_GAP_MS = 1_000;

/** A place in the log that the cache may start at. */
interface Step {
  readonly position: number;
  /** Bytes of all messages before it. */
  readonly bytesBefore: number;
  /** By the clock of the audio messages (ms). */
  readonly time: number;
}

/**
 * Decides from where on a channel's log is kept for late players: from the last video keyframe or, without video, the
 * last few seconds. Video that has stopped, while audio goes on, is no video. Holds no bytes, only the position.
 */
export class GopCache {
  /** Position from which a late player starts; -1 while there is nothing to start from. */
  start = -1;

  readonly #maxBytes: number;
  #hasVideo = false;
  /** Bytes of all messages so far, and of those before `start`. */
  #bytes = 0;
  #bytesBefore = 0;
  /** Where the cache may start once there is no video: all at or after `start`. */
  readonly #steps: Step[] = [];
  /** Runs with the timestamps of audio, whatever steps those make (ms). */
  #audioTime = 0;
  #lastAudio = -1;
  /** Since the last video frame, and between the two before, by that clock (ms). */
  #sinceFrame = 0;
  #frameGap = FIRST_FRAME_GAP_MS;
  #framesSeen = false;

  /** @param maxBytes bound of the messages that are kept; 0 turns the cache off */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether what is kept begins with a keyframe, as opposed to audio alone. */
  get startsAtKeyframe(): boolean {
    return this.#hasVideo && this.start >= 0;
  }

  /** Takes note of a message at `[position, end)` of the log; a sequence header counts as one if it is another. */
  add(position: number, end: number, flags: number, timestamp: number): void {
    if (this.#maxBytes === 0) return;
    if ((flags & MediaFlag.Video) !== 0) this.#addVideo(position, flags);
    else this.#addOther(position, flags, timestamp);
    this.#bytes += end - position;
    if (this.start >= 0 && this.#bytes - this.#bytesBefore > this.#maxBytes) this.clear();
  }

  /** Forgets what is kept; it fills again from the next keyframe on. */
  clear(): void {
    this.start = -1;
    this.#steps.length = 0;
  }

  #addVideo(position: number, flags: number): void {
    if ((flags & MediaFlag.Keyframe) !== 0) {
      this.#steps.length = 0;
      this.start = position;
      this.#bytesBefore = this.#bytes;
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

  /** How long ago the audio message before this one was (ms); data has no clock to go by. */
  #passed(flags: number, timestamp: number): number {
    if ((flags & MediaFlag.Audio) === 0) return 1;
    const gap = this.#lastAudio < 0 ? 0 : (timestamp - this.#lastAudio) | 0;
    this.#lastAudio = timestamp;
    // A clock that stands or steps must not make a cache that grows for ever.
    const passed = Math.min(Math.max(gap, 1), MAX_AUDIO_GAP_MS);
    this.#audioTime += passed;
    return passed;
  }

  #addStep(position: number): void {
    const last = this.#steps[this.#steps.length - 1];
    if (last !== undefined && this.#audioTime - last.time < AUDIO_STEP_MS) return;
    this.#steps.push({ position, bytesBefore: this.#bytes, time: this.#audioTime });
    if (this.#steps.length > AUDIO_STEPS) this.#steps.shift();
    if (!this.#hasVideo) this.#startAtStep();
  }

  #startAtStep(): void {
    const [first] = this.#steps;
    this.start = first?.position ?? -1;
    this.#bytesBefore = first?.bytesBefore ?? 0;
  }
}
