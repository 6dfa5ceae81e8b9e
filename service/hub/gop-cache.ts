import { MediaFlag } from '../protocol/media/media-tag';

/** What a stream without video keeps for late players, in steps of this many milliseconds. */
const AUDIO_STEP_MS = 1000;
const AUDIO_STEPS = 3;

/**
 * Decides from where on a channel's log is kept for late players: from the last video keyframe or, without video, the
 * last few seconds. Holds no bytes, only the position.
 */
export class GopCache {
  /** Position from which a late player starts; -1 while there is nothing to start from. */
  start = -1;

  readonly #maxBytes: number;
  #hasVideo = false;
  /** Positions and times of audio that the cache may next start at. */
  readonly #steps: { position: number; timestamp: number }[] = [];

  /** @param maxBytes 0 turns the cache off */
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
    if ((flags & MediaFlag.Keyframe) !== 0) {
      this.#hasVideo = true;
      this.start = position;
    } else if ((flags & MediaFlag.Video) !== 0) {
      // Frames before a new sequence header cannot be decoded with it, and those before any keyframe not at all.
      if (!this.#hasVideo || (flags & MediaFlag.SequenceHeader) !== 0) this.start = -1;
      this.#hasVideo = true;
    } else if (!this.#hasVideo && flags === MediaFlag.Audio) {
      this.#addAudio(position, timestamp);
    }
    if (this.start >= 0 && end - this.start > this.#maxBytes) this.clear();
  }

  /** Forgets what is kept; it fills again from the next keyframe on. */
  clear(): void {
    this.start = -1;
    this.#steps.length = 0;
  }

  #addAudio(position: number, timestamp: number): void {
    const last = this.#steps[this.#steps.length - 1];
    if (last !== undefined && (timestamp - last.timestamp) >>> 0 < AUDIO_STEP_MS) return;
    this.#steps.push({ position, timestamp });
    if (this.#steps.length > AUDIO_STEPS) this.#steps.shift();
    this.start = this.#steps[0]!.position;
  }
}
