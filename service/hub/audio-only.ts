import { MediaFlag } from '../protocol/media/media-tag';

/** A source that sends only audio for this long has no video to wait for (ms of its clock). */
const AUDIO_ONLY_MS = 5_000;

/** Tells a source without video from one whose first keyframe is late. */
export class AudioOnly {
  /** Timestamp of the source's last video frame or, before any, of its first audio frame; -1: none. */
  #since = -1;

  reset(): void {
    this.#since = -1;
  }

  /** Whether the source has sent only audio for AUDIO_ONLY_MS. Called for each frame, with its media flags. */
  look(sourceTimestamp: number, flags: number): boolean {
    if (this.#since < 0 || (flags & MediaFlag.Video) !== 0) this.#since = sourceTimestamp;
    return (sourceTimestamp - this.#since) >>> 0 > AUDIO_ONLY_MS;
  }
}
