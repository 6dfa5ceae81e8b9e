import { MediaFlag } from '../protocol/media/media-tag';

/** Rates are taken over this long, in milliseconds. */
const WINDOW_MS = 2000;
/** A longer interval between two keyframes (ms) is a step of the encoder's clock. */
const MAX_KEYFRAME_INTERVAL_MS = 600_000;

/** Counts a publisher's media; plain fields, since they are touched for every message. */
export class StreamStats {
  bytes = 0;
  messages = 0;
  audioBytes = 0;
  videoBytes = 0;
  videoFrames = 0;
  audioCodec = -1;
  videoCodec = -1;
  /** Seconds between the last two keyframes by their timestamps, clock steps ignored; 0 before the second. */
  keyframeIntervalSeconds = 0;
  keyframes = 0;
  /** Timestamp of the newest audio or video message. */
  lastTimestamp = 0;
  /** Rates over the last complete window, per second. */
  bitrateKbps = 0;
  audioKbps = 0;
  videoKbps = 0;
  frameRate = 0;

  #lastKeyframe = -1;
  #windowStart: number;
  #windowBytes = 0;
  #windowAudio = 0;
  #windowVideo = 0;
  #windowFrames = 0;

  constructor(nowMs: number) {
    this.#windowStart = nowMs;
  }

  add(bytes: number, flags: number, codec: number, timestamp: number): void {
    this.bytes += bytes;
    this.messages += 1;
    if ((flags & (MediaFlag.Audio | MediaFlag.Video)) === 0) return;
    this.lastTimestamp = timestamp;
    if ((flags & MediaFlag.Audio) !== 0) {
      this.audioBytes += bytes;
      if (codec >= 0) this.audioCodec = codec;
      return;
    }
    this.videoBytes += bytes;
    // Side tracks name no codec; counting their frames would give a frame rate that no player sees.
    if (codec < 0) return;
    this.videoCodec = codec;
    if ((flags & MediaFlag.Config) === 0) this.videoFrames += 1;
    if ((flags & MediaFlag.Keyframe) === 0) return;
    const intervalMs = (timestamp - this.#lastKeyframe) | 0;
    const isInterval = this.#lastKeyframe >= 0 && intervalMs > 0 && intervalMs <= MAX_KEYFRAME_INTERVAL_MS;
    if (isInterval) this.keyframeIntervalSeconds = intervalMs / 1000;
    this.#lastKeyframe = timestamp;
    this.keyframes += 1;
  }

  /** Closes the rate window when it is over; called about once a second. */
  tick(nowMs: number): void {
    const elapsed = nowMs - this.#windowStart;
    if (elapsed < WINDOW_MS) return;
    this.bitrateKbps = Math.round(((this.bytes - this.#windowBytes) * 8) / elapsed);
    this.audioKbps = Math.round(((this.audioBytes - this.#windowAudio) * 8) / elapsed);
    this.videoKbps = Math.round(((this.videoBytes - this.#windowVideo) * 8) / elapsed);
    this.frameRate = Math.round(((this.videoFrames - this.#windowFrames) * 10_000) / elapsed) / 10;
    this.#windowStart = nowMs;
    this.#windowBytes = this.bytes;
    this.#windowAudio = this.audioBytes;
    this.#windowVideo = this.videoBytes;
    this.#windowFrames = this.videoFrames;
  }
}
