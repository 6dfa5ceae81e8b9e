import type { LiveStream } from './live-stream';
import type { StreamInlet } from './stream-inlet';

/** Why a publication ended or is to be ended, in words for logs and for the publisher. */
export type EndReason = string;

/** Limits and names that came with the permission to publish. */
export interface StreamGrant {
  /** The callback handler's id for the stream; empty when it gave none. */
  readonly streamId: string;
  /** What players must present instead of the publishing key. */
  readonly playKey?: string;
  readonly maxDurationSeconds?: number;
  /** How long the stream was live on other nodes before this one (ms); it counts towards its longest duration. */
  readonly liveElsewhereMs?: number;
  readonly maxBitrateKbps?: number;
}

/** How a publisher's connection was closed. */
export interface PublisherClose {
  /** A fixed word, such as `client_closed`. */
  readonly code: string;
  readonly reason: string;
}

/** Who sends a channel's media: a client's session, or a relay that fetches it from another node. */
export interface Publisher {
  readonly clientIp: string;
  /** What the client says it is (`flashVer`); empty when it says nothing. */
  readonly software: string;
  /** True for relays: the stream's own publisher is on another node. */
  readonly isRelay: boolean;
  /** When it last began an audio or video message, accepted or not (ms); undefined for relays, which need no check. */
  readonly mediaAt?: number;
  /** undefined while it is connected, and for relays. */
  readonly closed?: PublisherClose | undefined;
  /** Ends the publication and closes the connection, telling the client why. */
  kill(reason: EndReason): void;
  /** Another publisher continues the stream; this one's connection closes without ending it. */
  displaced(reason: EndReason): void;
}

/** A stream that is live on this node. */
export interface Publication {
  readonly channel: string;
  readonly key: string;
  readonly stream: LiveStream;
  /** Takes the publisher's media: the stream, or a NextSource until the publisher's first keyframe. */
  readonly inlet: StreamInlet;
  /** The stream's publisher; null while the stream is held for one that was lost. */
  readonly publisher: Publisher | null;
  readonly grant: StreamGrant;
}
