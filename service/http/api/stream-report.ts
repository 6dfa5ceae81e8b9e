/** A live stream as `/api/streams` shows it. The stream key is not part of it, under any name. */
export interface StreamReport {
  readonly channel: string;
  /** The id that the callback handler gave; may be empty. */
  readonly streamId: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly client: {
    /** Empty while the stream is held for a publisher that was lost. */
    readonly ip: string;
    /** What the encoder calls itself; empty when it does not say. */
    readonly software: string;
  };
  /** null: the stream has no video, or none has come yet. */
  readonly video: VideoReport | null;
  readonly audio: AudioReport | null;
  /** Rate of all media, as received. */
  readonly bitrateKbps: number;
  /** Without relays of other nodes. */
  readonly players: number;
  /** True: the publisher is on another node, and this node forwards the stream. */
  readonly relay: boolean;
}

/** null fields are not known: the encoder did not say and they cannot be measured yet. */
export interface VideoReport {
  readonly codec: string;
  readonly width: number | null;
  readonly height: number | null;
  readonly frameRate: number | null;
  readonly keyframeIntervalSeconds: number | null;
  readonly bitrateKbps: number;
}

export interface AudioReport {
  readonly codec: string;
  /** Hz. */
  readonly sampleRate: number | null;
  readonly channels: number | null;
  readonly bitrateKbps: number;
}
