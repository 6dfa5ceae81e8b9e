/** Why a publication ended or is to be ended, in words for logs and for the publisher. */
export type EndReason = string;

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
  /**
   * Whose frames it sends, with their timestamps: another source with the same origin sends the same frames. undefined:
   * no other source does.
   */
  readonly origin?: string;
  /** When it last began an audio or video message, accepted or not (ms); undefined for relays, which need no check. */
  readonly mediaAt?: number;
  /** undefined while it is connected, and for relays. */
  readonly closed?: PublisherClose | undefined;
  /** Ends the publication and closes the connection, telling the client why. */
  kill(reason: EndReason): void;
  /** Another publisher continues the stream; this one's connection closes without ending it. */
  displaced(reason: EndReason): void;
}
