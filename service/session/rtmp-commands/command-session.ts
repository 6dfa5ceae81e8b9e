import type { PlayerOutlet } from '../../hub/player';
import type { Publisher } from '../../hub/publisher';
import type { Span } from '../../tracing/span';
import type { Logger } from '../../logging/logger';
import type { AmfValue } from '../../protocol/amf/amf-value';
import type { CommandContext } from './command-context';
import type { ConnectionState } from './connection-state';
import type { ConnectTarget } from './name-rules';
import type { OpenStreams, Playing, Publishing } from './open-streams';
import type { StatusCode, StatusLevel } from './replies';

/** What a client announces in `connect`. */
export interface ConnectedClient {
  readonly target: ConnectTarget;
  /** Its name for itself (`flashVer`). */
  readonly software: string;
  /** It supports reconnect requests. */
  readonly canReconnect: boolean;
  /** It supports streams of several tracks. */
  readonly knowsMultitrack: boolean;
}

/** The connection that commands come on. */
export interface CommandTransport extends PlayerOutlet {
  /** Whether the client came over TLS. */
  readonly secure: boolean;
}

/**
 * What an RTMP command may do with the session of the client that sent it. Commands use sessions only through this
 * interface.
 */
export interface CommandSession extends Publisher {
  readonly context: CommandContext;
  readonly transport: CommandTransport;
  readonly log: Logger;
  readonly state: ConnectionState;
  readonly isClosed: boolean;
  readonly trace: { publish(channel: string): Span };
  /** What the client publishes and plays. */
  readonly streams: OpenStreams;
  readonly knowsMultitrack: boolean;
  /** Whether another process of this machine could serve the client instead, see `move`. */
  readonly opening: { readonly canMove: boolean };

  send(bytes: Buffer): void;
  /** Sends an answer or a call. */
  sendCommand(streamId: number, values: readonly AmfValue[]): void;
  /** Sends an `onStatus`. */
  sendStatus(streamId: number, level: StatusLevel, code: StatusCode, description: string): void;
  /** Sends an `onStatus` with the reason why the client is refused, and closes the connection once it is sent. */
  refuse(streamId: number, code: StatusCode, description: string): void;
  /** Closes the connection once everything is sent. */
  close(code: 'refused' | 'too_slow', reason: string): void;

  /**
   * Processes no further message until `proceed`, while a decision is awaited. While a publish is being decided, up to
   * 64 KB are still read from the client's socket and kept, so that the server notices when the client leaves.
   */
  wait(): void;
  proceed(): void;
  /**
   * Moves a viewer's connection to the process that has the stream, if that is worth it; the session is closed then.
   */
  move(channel: string): Promise<void>;

  /** `connect` is accepted. From now on, chunks of `context.chunkSize` are sent: the command announces that size. */
  connected(client: ConnectedClient): void;
  /** The publish is accepted: the client may send large messages from now on. */
  startPublish(publishing: Publishing): void;
  /**
   * The client is about to end its publish: a connection that is lost from now on counts as that end, not as a loss.
   */
  announceUnpublish(): void;
  /** Ends the publish; the client stays connected. */
  endPublish(): void;
  startPlay(playing: Playing): void;
  /** Ends the play; the client stays connected. */
  endPlay(): void;
}
