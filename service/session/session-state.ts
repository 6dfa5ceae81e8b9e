import type { ConnectionState } from './rtmp-commands/connection-state';

/**
 * A session's state in one word, for metrics and logs. A session that publishes and plays at the same time counts as
 * publishing.
 */
export type SessionPhase = ConnectionState['phase'] | 'authorizing' | 'publishing' | 'playing';

/** Why sessions end, for metrics; the log line has the reason in words. */
export type CloseCode =
  | 'client_closed'
  | 'connection_error'
  | 'protocol_error'
  /** The first bytes were no RTMP handshake. */
  | 'handshake_failed'
  | 'handshake_timeout'
  | 'connect_timeout'
  | 'idle_timeout'
  | 'silent'
  | 'media_timeout'
  | 'refused'
  /** The client caused more work than its budget allows. */
  | 'over_budget'
  | 'too_slow'
  | 'killed'
  | 'displaced'
  /** Another worker has taken over the connection. */
  | 'moved'
  | 'shutdown'
  /** A bug of this server, logged with its stack. */
  | 'internal_error';
