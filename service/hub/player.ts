import { MediaFlag } from '../protocol/media/media-tag';
import { SHARED_STREAM_ID } from './open-message';
import type { PlayerFormat, PlayerProtocol } from './player-format';
import { Wanted } from './wanted';

/** Writes to a player's connection. */
export interface PlayerOutlet {
  /**
   * Sends the bytes; they must not be changed until `unsentBytes` has been 0.
   *
   * @returns whether anything is unsent now
   */
  write(bytes: Buffer): boolean;
  /** Sends several buffers, with one system call where possible; else like `write`. */
  writeAll(views: readonly Buffer[]): boolean;
  /** Bytes given to `write` that the operating system has not taken yet. */
  readonly unsentBytes: number;
}

/** The events that a player's session is told of. */
export interface PlayerListener {
  /** The stream it waited for, or a new one of the same name, begins; media follows. */
  streamBegan(): void;
  /** The stream ended; the player stays and may get the next one. */
  streamEnded(): void;
  /** The stream that began has another key. */
  keyRefused(): void;
  /** The player cannot keep up; its connection is to be closed. */
  tooSlow(reason: string): void;
}

export interface PlayerOptions {
  readonly outlet: PlayerOutlet;
  readonly listener: PlayerListener;
  /** Id of the message stream that it plays on; its media is sent with this id. */
  readonly streamId: number;
  readonly key: string;
  /** False: starts with the next message instead of the GOP cache. Default: true. */
  readonly wantsCache?: boolean;
  /** Another node that forwards the stream to its own players. Default: false. */
  readonly isRelay?: boolean;
  /** It was admitted by other means than the stream's key: an operator's preview. Default: false. */
  readonly needsNoKey?: boolean;
  /** False: it does not support multitrack, and gets only the main track of each kind. Default: true. */
  readonly wantsAllTracks?: boolean | undefined;
  /** How it gets FLV tags. Default: it gets RTMP chunks. */
  readonly format?: PlayerFormat;
}

/** A player with more unsent bytes lags: it gets nothing until they have drained and a keyframe follows. */
export const SOFT_UNSENT_BYTES = 8 * 1024 * 1024;
/** A lagging player may resume once no more than this is unsent (bytes). */
export const RESUME_UNSENT_BYTES = SOFT_UNSENT_BYTES / 4;
/** Unsent bytes beyond its soft bound at which a lagging player is disconnected. */
const MAX_EXCESS_BYTES = 56 * 1024 * 1024;
/** How long a player may lag before it is disconnected (ms), unless LAG_PROGRESS_BYTES have drained meanwhile. */
const MAX_LAG_MS = 30_000;
const LAG_PROGRESS_BYTES = SOFT_UNSENT_BYTES;
/** How long a player waits for a keyframe before it resumes without one (ms). */
const MAX_KEYFRAME_WAIT_MS = 30_000;

/** One subscription to a channel. */
export class Player {
  wantsAudio = true;
  wantsVideo = true;
  paused = false;
  /**
   * When unsent bytes passed the soft bound, or LAG_PROGRESS_BYTES of them had drained since (ms). Until they have
   * drained and a keyframe follows, nothing is sent. 0: not lagging. Without a stream, see `checkDrain`.
   */
  laggingSince = 0;
  /** Unsent bytes at `laggingSince`. */
  laggingBytes = 0;
  /** Unsent bytes beyond which the player lags: more while the GOP cache that it started with drains. */
  softUnsentBytes = SOFT_UNSENT_BYTES;
  /**
   * Skips video frames until the next keyframe, because it missed frames that later ones depend on, but no later than
   * this time (ms): some encoders send only one keyframe. 0: not waiting.
   */
  awaitsKeyframeUntil = 0;
  /** While it waits for a keyframe, it gets no audio and no data either. */
  silentUntilKeyframe = false;
  /** Has missed video frames because it did not want video. */
  missesVideo = false;
  /** Kinds (media flags Audio, Video and Data) of which it missed a sequence header or metadata. */
  missedHeaders = 0;
  /** Position of the oldest byte that the socket may still hold; Infinity when it holds none. */
  heldFrom = Infinity;

  readonly outlet: PlayerOutlet;
  readonly listener: PlayerListener;
  readonly streamId: number;
  readonly key: string;
  readonly wantsCache: boolean;
  readonly isRelay: boolean;
  /** Its key is not compared with the stream's. */
  readonly needsNoKey: boolean;
  readonly wantsAllTracks: boolean;
  /** undefined: RTMP chunks. */
  readonly format: PlayerFormat | undefined;

  constructor({
    outlet,
    listener,
    streamId,
    key,
    wantsCache = true,
    isRelay = false,
    needsNoKey = isRelay,
    wantsAllTracks = true,
    format,
  }: PlayerOptions) {
    this.outlet = outlet;
    this.listener = listener;
    this.streamId = streamId;
    this.key = key;
    this.wantsCache = wantsCache;
    this.isRelay = isRelay;
    this.needsNoKey = needsNoKey;
    this.wantsAllTracks = wantsAllTracks;
    this.format = format;
  }

  get protocol(): PlayerProtocol {
    return this.format?.protocol ?? 'rtmp';
  }

  /** Whether it gets the same bytes as all other players that want the same tracks. */
  get shares(): boolean {
    return (
      this.laggingSince === 0 &&
      this.awaitsKeyframeUntil === 0 &&
      !this.paused &&
      this.wantsAudio &&
      this.wantsVideo &&
      this.streamId === SHARED_STREAM_ID
    );
  }

  /** Which messages it wants, see `Wanted`. */
  get wanted(): number {
    const audio = this.wantsAudio ? MediaFlag.Audio : 0;
    const video = this.wantsVideo ? MediaFlag.Video : 0;
    return MediaFlag.Data | audio | video | (this.wantsAllTracks ? Wanted.AllTracks : 0);
  }

  /** Skips video until the next keyframe; `silent`: audio and data too. `now` in ms of a clock that never goes back. */
  awaitKeyframe(now: number, silent: boolean): void {
    this.awaitsKeyframeUntil = now + MAX_KEYFRAME_WAIT_MS;
    this.silentUntilKeyframe = silent;
  }

  /** Its unsent bytes have passed the soft bound. */
  beginLag(now: number): void {
    this.laggingSince = now;
    this.laggingBytes = this.outlet.unsentBytes;
  }

  /**
   * Disconnects a player that no stream serves if its unsent bytes do not drain, such as the cached start of a stream
   * that has ended. To be called once a second.
   */
  checkDrain(now: number): void {
    const { unsentBytes } = this.outlet;
    if (unsentBytes <= RESUME_UNSENT_BYTES) this.laggingSince = 0;
    else if (this.laggingSince === 0 || this.laggingBytes - unsentBytes >= LAG_PROGRESS_BYTES) this.beginLag(now);
    else if (now - this.laggingSince > MAX_LAG_MS) this.listener.tooSlow(`too slow for ${MAX_LAG_MS / 1000} s`);
  }

  /** Disconnects a lagging player whose unsent bytes are too many or do not drain. */
  checkLag(now: number): void {
    const { unsentBytes } = this.outlet;
    const isLate = now - this.laggingSince > MAX_LAG_MS;
    if (unsentBytes > this.softUnsentBytes + MAX_EXCESS_BYTES) this.listener.tooSlow(`${unsentBytes} bytes unsent`);
    else if (this.laggingBytes - unsentBytes >= LAG_PROGRESS_BYTES) this.beginLag(now);
    else if (isLate && unsentBytes > RESUME_UNSENT_BYTES) this.listener.tooSlow(`too slow for ${MAX_LAG_MS / 1000} s`);
    else if (isLate) {
      // It has drained: the keyframe is late, not the player.
      this.laggingSince = 0;
      this.awaitKeyframe(now, true);
    }
  }
}
