import type { MediaMessage } from '../stream/output';

/** Why a file ended and the next one began. */
export type CutReason = 'codec' | 'clock' | 'size' | 'time' | 'source' | 'storage';

export interface FileStart {
  /** Why the file before ended; undefined: this is the first one. */
  readonly why: CutReason | undefined;
  /** The stream's own time that is zero in the file (ms). */
  readonly streamTime: number;
  /** Names of the main tracks' codecs; empty: there is no such track. */
  readonly video: string;
  readonly audio: string;
}

export interface FileSink {
  /** What follows is a file of its own. */
  begin(start: FileStart): void;
  /** The next bytes of the file. Up to 32 KB are copied, so that the caller may use the buffer again; more are kept. */
  append(bytes: Buffer): void;
  /** A track has begun within the file. */
  tracks(video: string, audio: string): void;
  /** Frames of a codec are left out, because the format has no place for it. Video: the whole stream is. */
  unsupported(reason: string, isVideo: boolean): void;
}

/** Turns a stream into files of one format, each of which can be played by itself. */
export interface Container {
  /** Length of the present file so far (ms of the stream). */
  readonly fileMs: number;
  write(message: MediaMessage): void;
  /** Frames are missing before the next one. */
  gap(): void;
  /** The stream's time may step ahead by this much (ms) more than usual, because nothing was sent for a while. */
  allowStep(ms: number): void;
  /** The next file begins at the next keyframe. */
  cut(why: CutReason): void;
  /** Hands on what is left. */
  end(): void;
}
