import { MediaFlag } from '../protocol/media/media-tag';

/** A source that sends only audio for this long has no video to wait for (ms of its clock). */
const AUDIO_ONLY_MS = 5_000;

/** Tells a source without video from one whose first keyframe is late. */
export class AudioOnly {
  /** The source's timestamp of its last video frame, or of its first audio frame before any; -1: none. */
  #since = -1;

  reset(): void {
    this.#since = -1;
  }

  /** Whether the source has sent nothing but audio for long. Called for each frame, with its media flags. */
  look(sourceTimestamp: number, flags: number): boolean {
    if (this.#since < 0 || (flags & MediaFlag.Video) !== 0) this.#since = sourceTimestamp;
    return (sourceTimestamp - this.#since) >>> 0 > AUDIO_ONLY_MS;
  }
}
