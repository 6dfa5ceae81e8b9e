import type { TrackArrivals } from '../hub/arrivals';
import type { LiveStream } from '../hub/live-stream';

/** How the frames of one track arrived during a sample; see TrackArrivals. */
export type TrackSample = Readonly<
  Pick<TrackArrivals, 'frames' | 'advanceMs' | 'leapMs' | 'gapMs' | 'jumps' | 'jumpMs' | 'reversals' | 'reversalMs'>
>;

/** What a stream did during some seconds. */
export interface Sample {
  /** How long it took. */
  readonly ms: number;
  readonly bytes: number;
  readonly videoBytes: number;
  readonly audioBytes: number;
  /** Video frames as StreamStats counts them. */
  readonly videoFrames: number;
  readonly keyframes: number;
  readonly video: TrackSample;
  readonly audio: TrackSample;
  /** See Arrivals. */
  readonly closestMs: number;
}

/** Takes one sample of a stream after the other: what was counted since the one before. */
export class Sampler {
  readonly #stream: LiveStream;
  #startedAt = 0;
  #bytes = 0;
  #videoBytes = 0;
  #audioBytes = 0;
  #videoFrames = 0;
  #keyframes = 0;

  constructor(stream: LiveStream, now: number) {
    this.#stream = stream;
    this.restart(now);
  }

  /** How long the present sample takes so far (ms). */
  age(now: number): number {
    return now - this.#startedAt;
  }

  take(now: number): Sample {
    const { stats, arrivals } = this.#stream;
    const sample: Sample = {
      ms: Math.max(1, this.age(now)),
      bytes: stats.bytes - this.#bytes,
      videoBytes: stats.videoBytes - this.#videoBytes,
      audioBytes: stats.audioBytes - this.#audioBytes,
      videoFrames: stats.videoFrames - this.#videoFrames,
      keyframes: stats.keyframes - this.#keyframes,
      video: trackSample(arrivals.video, now),
      audio: trackSample(arrivals.audio, now),
      closestMs: arrivals.closestMs,
    };
    this.restart(now);
    return sample;
  }

  /** Begins a new sample, without the present one. */
  restart(now: number): void {
    const { stats, arrivals } = this.#stream;
    arrivals.reset();
    this.#startedAt = now;
    this.#bytes = stats.bytes;
    this.#videoBytes = stats.videoBytes;
    this.#audioBytes = stats.audioBytes;
    this.#videoFrames = stats.videoFrames;
    this.#keyframes = stats.keyframes;
  }
}

function trackSample(track: TrackArrivals, now: number): TrackSample {
  const { frames, advanceMs, leapMs, gapMs, jumps, jumpMs, reversals, reversalMs, at } = track;
  // A gap that has not ended yet counts as long as it has lasted.
  const silence = at < 0 ? 0 : now - at;
  return { frames, advanceMs, leapMs, gapMs: Math.max(gapMs, silence), jumps, jumpMs, reversals, reversalMs };
}

/** Frames per second by their timestamps, without times in which none came; undefined: not known. */
export function frameRate({ frames, advanceMs, leapMs }: TrackSample): number | undefined {
  const ms = advanceMs - leapMs;
  return frames < 2 || ms <= 0 ? undefined : (frames * 1000) / ms;
}

/** Two samples in a row as one. */
export function joined(first: Sample, second: Sample): Sample {
  return {
    ms: first.ms + second.ms,
    bytes: first.bytes + second.bytes,
    videoBytes: first.videoBytes + second.videoBytes,
    audioBytes: first.audioBytes + second.audioBytes,
    videoFrames: first.videoFrames + second.videoFrames,
    keyframes: first.keyframes + second.keyframes,
    video: joinedTracks(first.video, second.video),
    audio: joinedTracks(first.audio, second.audio),
    closestMs: Math.min(first.closestMs, second.closestMs),
  };
}

function joinedTracks(first: TrackSample, second: TrackSample): TrackSample {
  return {
    frames: first.frames + second.frames,
    advanceMs: first.advanceMs + second.advanceMs,
    leapMs: first.leapMs + second.leapMs,
    gapMs: Math.max(first.gapMs, second.gapMs),
    jumps: first.jumps + second.jumps,
    jumpMs: Math.max(first.jumpMs, second.jumpMs),
    reversals: first.reversals + second.reversals,
    reversalMs: Math.max(first.reversalMs, second.reversalMs),
  };
}
