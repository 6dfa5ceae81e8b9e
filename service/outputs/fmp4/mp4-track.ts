/** Ticks per second of video: a millisecond of RTMP is exactly 90 of them, and players of every kind know this rate. */
export const VIDEO_TIMESCALE = 90_000;

/** A track as an MP4 file describes it, out of a sequence header. */
export interface Mp4Track {
  readonly isVideo: boolean;
  /** Type of the sample entry, such as `avc1`. */
  readonly entry: string;
  /** As in CODECS of a playlist (RFC 6381), such as `avc1.64001f`. */
  readonly codec: string;
  /** Type and contents of the box in the sample entry that describes the codec. */
  readonly configType: string;
  readonly config: Buffer;
  /** The sequence header, to compare. */
  readonly header: Buffer;
  /** Ticks per second. Audio has its own rate, so that frames last a whole number of ticks and nothing drifts. */
  readonly timescale: number;
  /** Pixels; 0: not known, or audio. */
  readonly width: number;
  readonly height: number;
  /** 0 for video. */
  readonly channels: number;
  readonly sampleRate: number;
  /** Ticks of a frame; 0: not known from the header or the frame alone. */
  frameLength(frame: Buffer): number;
}
