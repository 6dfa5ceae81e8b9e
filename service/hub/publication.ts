import type { StreamGrant } from '../auth/publish-authorizer';
import type { LiveStream } from './live-stream';

/** Why a publication ended or is to be ended, in words for logs and for the publisher. */
export type EndReason = string;

/** Who sends a channel's media: a client's session. */
export interface Publisher {
  readonly clientIp: string;
  /** What the client says it is (`flashVer`); empty when it says nothing. */
  readonly software: string;
  /** Ends the publication and closes the connection, telling the client why. */
  kill(reason: EndReason): void;
}

/** A stream that is live on this node. */
export interface Publication {
  readonly channel: string;
  readonly key: string;
  readonly publisher: Publisher;
  readonly grant: StreamGrant;
  readonly stream: LiveStream;
}
