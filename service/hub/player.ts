import { MediaFlag } from '../protocol/media/media-tag';
import { SHARED_STREAM_ID } from './message-log';
import { Wanted } from './wanted';

/** The way to a player's connection. */
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

/** What a player's session is told. */
export interface PlayerListener {
  /** The stream it waited for, or a new one of the same name, begins; media follows. */
  streamBegan(): void;
  /** The stream ended; the player stays and may get the next one. */
  streamEnded(): void;
  /** The stream that began has another key. */
  keyRefused(): void;
  /** It cannot keep up; the connection is to be closed. */
  tooSlow(reason: string): void;
}

/** Unsent bytes at which a player gets nothing more until a keyframe after they have drained. */
export const SOFT_UNSENT_BYTES = 8 * 1024 * 1024;
/** A lagging player goes on once this little is unsent. */
export const RESUME_UNSENT_BYTES = SOFT_UNSENT_BYTES / 4;
/** Unsent bytes beyond its soft bound at which a lagging player is disconnected. */
const MAX_EXCESS_BYTES = 56 * 1024 * 1024;
/** How long a player may lag before it is disconnected, unless that much has drained meanwhile. */
const MAX_LAG_MS = 30_000;
const LAG_PROGRESS_BYTES = SOFT_UNSENT_BYTES;
/** How long a player waits for a keyframe before it goes on without one. */
const MAX_KEYFRAME_WAIT_MS = 30_000;

/** One subscription to a channel. */
export class Player {
  wantsAudio = true;
  wantsVideo = true;
  paused = false;
  /**
   * Nothing is sent until a keyframe after it has drained: unsent bytes passed the soft bound at this time (ms), or it
   * has got rid of much of them since. 0: no.
   */
  laggingSince = 0;
  /** What was unsent then. */
  laggingBytes = 0;
  /** What may be unsent before it counts as lagging: more while the GOP cache that it began with drains. */
  softUnsentBytes = SOFT_UNSENT_BYTES;
  /**
   * Gets no video frame until the next keyframe, since it missed frames that others need, or until this time (ms): some
   * encoders make no second one. 0: it does not wait.
   */
  awaitsKeyframeUntil = 0;
  /** Gets nothing else either until then. */
  silentUntilKeyframe = false;
  /** Did not want video, so that it has missed frames. */
  missesVideo = false;
  /** Kinds of which it missed a sequence header, or metadata: the media flags Audio, Video and Data. */
  missedHeaders = 0;
  /** Position of the oldest byte that the socket may still hold; Infinity when it holds none. */
  heldFrom = Infinity;

  constructor(
    readonly outlet: PlayerOutlet,
    readonly listener: PlayerListener,
    /** The message stream it played on: media bears this id. */
    readonly streamId: number,
    readonly key: string,
    /** False: starts with what comes next instead of the GOP cache. */
    readonly wantsCache: boolean,
    /** Another node that passes the stream on to its own players. */
    readonly isRelay = false,
    /** False: it knows of no multitrack, and gets the main track of each kind alone. */
    readonly wantsAllTracks = true,
  ) {}

  /** Whether it gets the same bytes as everybody else that wants as many tracks. */
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

  /** No video from now on before a keyframe; `silent`: nor anything else. `now` in ms of a clock that never goes back. */
  awaitKeyframe(now: number, silent: boolean): void {
    this.awaitsKeyframeUntil = now + MAX_KEYFRAME_WAIT_MS;
    this.silentUntilKeyframe = silent;
  }

  /** Its unsent bytes have passed the soft bound. */
  beginLag(now: number): void {
    this.laggingSince = now;
    this.laggingBytes = this.outlet.unsentBytes;
  }

  /** Ends a lagging player that cannot keep up, and does not get rid of what it has at any pace. */
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
