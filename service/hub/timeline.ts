import { MessageType } from '../protocol/message-types';

/** From the old source's last frame to the new one's first (ms): about one video frame. */
const JOIN_GAP_MS = 33;
/**
 * Audio that overlaps sent audio by up to this much (ms) is left out; a larger overlap is a jump of the source's clock.
 */
const MAX_OVERLAP_MS = 2_000;
/** This long after a change of source (ms), a step back is the source's own and passes unchanged. */
const SETTLED_MS = 10_000;

/**
 * Continues a stream's timestamps without a jump when its source changes. Timestamps are 32-bit milliseconds that wrap;
 * those of the first source pass unchanged.
 *
 * Audio and video of a source are always shifted by the same offset, so that they stay in sync. But encoders send audio
 * up to some hundred milliseconds behind video, so after a change of source neither kind may go below the last
 * timestamp that players got of it. Audio below that timestamp is left out. Video, and seconds of audio, cannot be left
 * out: instead, the offset of both kinds is raised.
 */
export class Timeline {
  #offset = 0;
  /** The latest timestamp sent, and whether there is one. */
  #latest = 0;
  #begun = false;
  /** Set from a change of source to its first frame, which then fixes the offset. */
  #joining = false;
  /** The offset of the last source that has sent a frame. */
  #formerOffset = 0;
  /** The timestamp that the first frame of a new source gets. */
  #joinedAt = 0;
  /** The latest of each kind; -1: none yet. */
  #latestAudio = -1;
  #latestVideo = -1;
  /** The lowest timestamp allowed for each kind since the last change of source; -1: any. */
  #audioFloor = -1;
  #videoFloor = -1;

  /** The latest timestamp sent; 0 before the first. */
  get latest(): number {
    return this.#latest;
  }

  /** A new source has sent no frame yet. */
  get isJoining(): boolean {
    return this.#joining;
  }

  /** A new source follows. */
  join(): void {
    if (!this.#joining) this.#formerOffset = this.#offset;
    this.#joining = this.#begun;
    this.#joinedAt = (this.#latest + JOIN_GAP_MS) >>> 0;
    this.#offset = 0;
    this.#audioFloor = this.#latestAudio;
    this.#videoFloor = this.#latestVideo;
  }

  /** The new source turns out to go by the clock of the one that sent the last frame: the stream goes on by it too. */
  goOn(): void {
    if (!this.#joining) return;
    this.#joining = false;
    this.#offset = this.#formerOffset;
  }

  /**
   * Maps the source's timestamp to the players'. Until a new source's first frame is sent, every timestamp maps to the
   * one that this frame gets.
   */
  place(typeId: number, timestamp: number): number {
    if (this.#joining) return this.#joinedAt;
    const due = (timestamp + this.#offset) >>> 0;
    const floor = this.#floorOf(typeId);
    return floor >= 0 && isBefore(due, floor) ? floor : due;
  }

  /**
   * Whether a frame is left out: audio earlier than the audio that players have from the former source, or earlier than
   * the new source's first frame.
   */
  overlaps(typeId: number, timestamp: number, sourceTimestamp: number): boolean {
    if (this.#joining || typeId !== MessageType.Audio) return false;
    const overlap = (timestamp - sourceTimestamp - this.#offset) | 0;
    return overlap > 0 && overlap <= MAX_OVERLAP_MS;
  }

  /** A frame is sent with the timestamp that `place` gave for the source's. */
  sent(typeId: number, timestamp: number, sourceTimestamp: number): void {
    if (this.#joining || isBefore(sourceTimestamp + this.#offset, timestamp)) {
      this.#joining = false;
      this.#offset = (timestamp - sourceTimestamp) >>> 0;
    }
    if (typeId === MessageType.Audio) this.#latestAudio = latest(this.#latestAudio, timestamp);
    else this.#latestVideo = latest(this.#latestVideo, timestamp);
    this.#latest = this.#begun ? latest(this.#latest, timestamp) : timestamp;
    this.#begun = true;
    if (isBefore(this.#joinedAt + SETTLED_MS, timestamp)) {
      this.#audioFloor = -1;
      this.#videoFloor = -1;
    }
  }

  #floorOf(typeId: number): number {
    if (typeId === MessageType.Audio) return this.#audioFloor;
    return typeId === MessageType.Video ? this.#videoFloor : -1;
  }
}

/** Compares on a clock that wraps. */
function isBefore(timestamp: number, other: number): boolean {
  return ((timestamp - other) | 0) < 0;
}

/** The later of two timestamps; after a step back of more than MAX_OVERLAP_MS, the new one. */
export function latest(former: number, timestamp: number): number {
  return former < 0 || isBefore(former, timestamp) || isBefore(timestamp + MAX_OVERLAP_MS, former) ? timestamp : former;
}
