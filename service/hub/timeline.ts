import { MessageType } from '../protocol/message-types';

/** From the old source's last frame to the new one's first (ms): about one video frame. */
const JOIN_GAP_MS = 33;
/** Audio that overlaps what players have by no more than this is left out; by more, the source's clock has jumped. */
const MAX_OVERLAP_MS = 2_000;
/** This long after a change of source (ms) it has left no trace: a step back is the source's own, and passes. */
const SETTLED_MS = 10_000;

/**
 * Keeps a stream's timestamps running on when its source changes. Timestamps are 32-bit milliseconds that wrap; those of
 * the first source pass unchanged.
 *
 * Sound and picture of a source are moved by the same offset, always, so that they stay together. But encoders send
 * audio up to some hundred milliseconds behind video: after a change of source neither kind may go below what players
 * last got of it. Audio that would is left out, up to where the former source's ends. Video cannot be left out, nor can
 * seconds of audio: for those the offset is raised, for both kinds.
 */
export class Timeline {
  #offset = 0;
  /** The latest timestamp sent, and whether there is one. */
  #latest = 0;
  #begun = false;
  /** Set from a change of source to its first frame, which then fixes the offset. */
  #joining = false;
  /** Where the first frame of a new source is put. */
  #joinedAt = 0;
  /** The latest of each kind; -1: none yet. */
  #latestAudio = -1;
  #latestVideo = -1;
  /** What each kind may not go below since the last change of source; -1: it may go anywhere. */
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
    this.#joining = this.#begun;
    this.#joinedAt = (this.#latest + JOIN_GAP_MS) >>> 0;
    this.#offset = 0;
    this.#audioFloor = this.#latestAudio;
    this.#videoFloor = this.#latestVideo;
  }

  /** What players get for a timestamp of the source. Until a new source's first frame is sent, all are put at its place. */
  place(typeId: number, timestamp: number): number {
    if (this.#joining) return this.#joinedAt;
    const due = (timestamp + this.#offset) >>> 0;
    const floor = this.#floorOf(typeId);
    return floor >= 0 && isBefore(due, floor) ? floor : due;
  }

  /** Whether a frame adds nothing: audio from before the end of the former source's, or of the frame that joins them. */
  overlaps(typeId: number, timestamp: number, sourceTimestamp: number): boolean {
    if (this.#joining || typeId !== MessageType.Audio) return false;
    const overlap = (timestamp - sourceTimestamp - this.#offset) | 0;
    return overlap > 0 && overlap <= MAX_OVERLAP_MS;
  }

  /** A frame goes out under a timestamp that `place` gave for the source's own. */
  sent(typeId: number, timestamp: number, sourceTimestamp: number): void {
    if (this.#joining || isBefore(sourceTimestamp + this.#offset, timestamp)) {
      this.#joining = false;
      this.#offset = (timestamp - sourceTimestamp) >>> 0;
    }
    if (typeId === MessageType.Audio) this.#latestAudio = latest(this.#latestAudio, timestamp);
    else this.#latestVideo = latest(this.#latestVideo, timestamp);
    if (!this.#begun || isBefore(this.#latest, timestamp)) this.#latest = timestamp;
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

function latest(former: number, timestamp: number): number {
  return former < 0 || isBefore(former, timestamp) ? timestamp : former;
}
