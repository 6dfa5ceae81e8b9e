import { MediaFlag } from '../protocol/media/media-tag';
import { MessageType } from '../protocol/message-types';
import { latest } from './timeline';

/** Frames older than the last one by more than this (ms) are not of the group of pictures that a source begins with. */
const MAX_REPEATED_MS = 30_000;

/**
 * Leaves out the frames that players have when a source begins with them: a relay that has connected again is first sent
 * the group of pictures of which the former one got a part. By the timestamps, which are of the same clock, all up to the
 * last frame are had, and the first after it follows on that without a gap.
 *
 * A clock that was set back meanwhile looks the same: then frames are left out until the next keyframe, for such a group
 * has but one.
 */
export class Repetition {
  readonly #audio = new Had();
  readonly #video = new Had();
  #hasKeyframe = false;
  /** The source has another clock than that of the last frame. */
  #isOther = false;

  /** A source begins. `isSame`: it sends the frames that the source of the last frame sent. */
  begin(isSame: boolean): void {
    this.#isOther = !isSame;
    this.#hasKeyframe = false;
    this.#audio.isOn = isSame;
    this.#video.isOn = isSame;
  }

  /** Whether players have the frame. Called for each frame that they could decode, with its media flags. */
  holds(sourceTimestamp: number, flags: number): boolean {
    if ((flags & MediaFlag.Video) === 0) return this.#audio.holds(sourceTimestamp);
    const isKeyframe = (flags & MediaFlag.Keyframe) !== 0;
    if (this.#video.holds(sourceTimestamp) && !(isKeyframe && this.#hasKeyframe)) {
      this.#hasKeyframe ||= isKeyframe;
      return true;
    }
    // What was sent after a frame that players do not have is new as well.
    this.#audio.isOn = false;
    this.#video.isOn = false;
    return false;
  }

  /** A frame is sent. */
  sent(typeId: number, sourceTimestamp: number): void {
    if (this.#isOther) {
      this.#isOther = false;
      this.#audio.forget();
      this.#video.forget();
    }
    if (typeId === MessageType.Audio) this.#audio.sent(sourceTimestamp);
    else this.#video.sent(sourceTimestamp);
  }
}

/** What players have of one kind. */
class Had {
  /** The latest timestamp; -1: none yet. */
  #latest = -1;
  /** How many frames had it: those of several tracks do. */
  #count = 0;
  /** How many of them have come again. */
  #again = 0;
  #isOn = false;

  /** Whether the source may send again what players have. */
  set isOn(isOn: boolean) {
    this.#isOn = isOn && this.#latest >= 0;
    this.#again = 0;
  }

  forget(): void {
    this.#latest = -1;
    this.#isOn = false;
  }

  holds(timestamp: number): boolean {
    if (!this.#isOn) return false;
    const age = (this.#latest - timestamp) | 0;
    if (age === 0) this.#again += 1;
    this.#isOn = age >= 0 && age <= MAX_REPEATED_MS && this.#again <= this.#count;
    return this.#isOn;
  }

  sent(timestamp: number): void {
    if (timestamp === this.#latest) {
      this.#count += 1;
      return;
    }
    const before = this.#latest;
    this.#latest = latest(before, timestamp);
    if (this.#latest !== before) this.#count = 1;
  }
}
