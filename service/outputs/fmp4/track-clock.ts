import type { Sample } from './fragment';
import type { Frame } from './frame';
import type { Mp4Track } from './mp4-track';

/**
 * Up to this much (ms) audio may differ from its timestamps, so that its frames follow each other without a gap although
 * timestamps are rounded to milliseconds, and jitter. Lips and voice may be 45 ms apart (ITU-R BT.1359).
 */
const AUDIO_TOLERANCE_MS = 40;

/** Places the frames of one track on its timeline, and finds out how long each lasts: up to the next one. */
export class TrackClock {
  readonly track: Mp4Track;
  /** Id in the init segment. */
  readonly id: number;
  readonly #perMs: number;
  /** The newest sample: its duration is known when the next frame comes. */
  #newest: Sample | null = null;
  /** Where the next frame stands if it follows at once; -1: none came yet. */
  #expected = -1;
  /** No sample may stand before this. */
  #floor = 0;
  /** What a frame lasts if nothing else says so (ticks). */
  #usual: number;

  constructor(track: Mp4Track, id: number) {
    this.track = track;
    this.id = id;
    this.#perMs = track.timescale / 1000;
    this.#usual = Math.round(track.timescale / (track.isVideo ? 30 : 47));
  }

  /**
   * Adds a frame, and returns the sample before it, which is complete now, if there is one.
   *
   * @param time decode time (ms) since the timeline's zero
   */
  add(frame: Frame, time: number): Sample | null {
    const due = Math.round(time * this.#perMs);
    let dts = due;
    if (this.#expected >= 0 && !this.track.isVideo) {
      if (Math.abs(due - this.#expected) <= AUDIO_TOLERANCE_MS * this.#perMs) dts = this.#expected;
    }
    // Samples of one track have rising times, whatever the publisher sends.
    dts = Math.max(dts, this.#floor);
    this.#floor = dts + 1;
    const before = this.#newest;
    if (before !== null) {
      before.duration = dts - before.dts;
      if (before.duration < this.track.timescale) this.#usual = before.duration;
    }
    const offset = this.track.isVideo ? Math.round((time + frame.offset) * this.#perMs) - dts : 0;
    const length = this.track.frameLength(frame.data);
    if (length > 0) this.#usual = length;
    this.#expected = length > 0 ? dts + length : due;
    this.#newest = { dts, offset, isKey: frame.isKey, data: frame.data, duration: this.#usual };
    return before;
  }

  /** Takes the newest sample as complete, since no other follows it, or only after a gap. */
  finish(): Sample | null {
    const last = this.#newest;
    this.#newest = null;
    return last;
  }
}
