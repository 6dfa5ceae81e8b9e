import { MediaFlag } from '../protocol/media/media-tag';

/** A source that sends only audio for this long has no keyframe to wait for (ms of its clock). */
const AUDIO_ONLY_MS = 5_000;

/** Waits for a source's first keyframe, unless the source turns out to send only audio. */
export class KeyframeWait {
  #isOn = false;
  /** Timestamp of the source's last video frame or, before any, of its first audio frame; -1: none. */
  #since = -1;

  /** A source begins. `waits` false: nothing is waited for. */
  begin(waits: boolean): void {
    this.#isOn = waits;
    this.#since = -1;
  }

  /** Whether the frame comes before what is waited for. Called for each frame, with its media flags. */
  holds(sourceTimestamp: number, flags: number): boolean {
    if (!this.#isOn) return false;
    if (this.#since < 0 || (flags & MediaFlag.Video) !== 0) this.#since = sourceTimestamp;
    const isAudioOnly = (sourceTimestamp - this.#since) >>> 0 > AUDIO_ONLY_MS;
    this.#isOn = !isAudioOnly && (flags & MediaFlag.Keyframe) === 0;
    return this.#isOn;
  }
}
