/**
 * A track's timestamps and the time at which its frames arrive may differ by this much (ms) before a step of the
 * timestamps counts as a jump. Frames that were batched on their way arrive together.
 */
export const MAX_STEP_MS = 1_000;

/** How the frames of one track arrive, since the last `take`. Times are milliseconds. */
export class TrackArrivals {
  frames = 0;
  /** By how much the timestamps advanced, without jumps. */
  advanceMs = 0;
  /** The part of it in steps of over a second, where frames were left out or are sent that rarely. */
  leapMs = 0;
  /** The longest time without a frame: by the clock, or by timestamps where frames were left out. */
  gapMs = 0;
  /** Steps of the timestamps that are ahead of the clock, and the largest. */
  jumps = 0;
  jumpMs = 0;
  /** Steps backward, and the largest, as a positive number. */
  reversals = 0;
  reversalMs = 0;
  /** Timestamp and arrival time of the newest frame; -1: none yet. */
  timestamp = -1;
  at = -1;

  /** A frame arrived. `other`: the track of the other kind. */
  frame(timestamp: number, now: number, other: TrackArrivals): void {
    if (this.at >= 0) {
      const step = (timestamp - this.timestamp) | 0;
      const silence = now - this.at;
      if (silence > this.gapMs) this.gapMs = silence;
      if (step >= 0 && step <= MAX_STEP_MS) this.advanceMs += step;
      else this.#unusual(step, silence, timestamp, other);
    }
    this.timestamp = timestamp;
    this.at = now;
    this.frames += 1;
  }

  /** What was counted is taken. */
  reset(): void {
    this.frames = 0;
    this.advanceMs = 0;
    this.leapMs = 0;
    this.gapMs = 0;
    this.jumps = 0;
    this.jumpMs = 0;
    this.reversals = 0;
    this.reversalMs = 0;
  }

  /** Another source follows: its first frame is compared with nothing. */
  restart(): void {
    this.reset();
    this.timestamp = -1;
    this.at = -1;
  }

  #unusual(step: number, silence: number, timestamp: number, other: TrackArrivals): void {
    if (step < 0) {
      this.reversals += 1;
      this.reversalMs = Math.max(this.reversalMs, -step);
      if (step >= -MAX_STEP_MS) this.advanceMs += step;
      return;
    }
    // An encoder that leaves frames of one track out meets the other track's timestamps again.
    const meets = other.at >= 0 && other.jumps === 0 && Math.abs((timestamp - other.timestamp) | 0) <= MAX_STEP_MS;
    if (step - silence > MAX_STEP_MS && !meets) {
      this.jumps += 1;
      this.jumpMs = Math.max(this.jumpMs, step - silence);
      return;
    }
    this.advanceMs += step;
    this.leapMs += step;
    this.gapMs = Math.max(this.gapMs, step);
  }
}

/**
 * How the main tracks' frames arrive: what a stream's health is judged by. Plain fields, since they are touched for
 * every frame.
 */
export class Arrivals {
  readonly video = new TrackArrivals();
  readonly audio = new TrackArrivals();
  /** The smallest difference between the newest timestamps of audio and video (ms); Infinity: one of them is missing. */
  closestMs = Infinity;
  /** Counts the sources that the stream has had. */
  source = 0;

  /** @param timestamp as the publisher sent it (ms, 32 bit) */
  frame(isVideo: boolean, timestamp: number, now: number): void {
    const { video, audio } = this;
    if (isVideo) video.frame(timestamp, now, audio);
    else audio.frame(timestamp, now, video);
    if (video.frames === 0 || audio.frames === 0) return;
    const apart = Math.abs((video.timestamp - audio.timestamp) | 0);
    if (apart < this.closestMs) this.closestMs = apart;
  }

  /** What was counted is taken. */
  reset(): void {
    this.video.reset();
    this.audio.reset();
    this.closestMs = Infinity;
  }

  /** Another source follows. */
  sourceChanged(): void {
    this.video.restart();
    this.audio.restart();
    this.closestMs = Infinity;
    this.source += 1;
  }
}
