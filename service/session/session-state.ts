import type { Channel } from '../hub/channel';
import type { StreamInlet } from '../hub/next-source';
import type { Player } from '../hub/player';
import type { Publication } from '../hub/publication';
import type { ConnectTarget, StreamTarget } from './name-rules';

/**
 * Where a session stands. Each phase names all there is to know in it; commands look at the phase first and are
 * refused in phases that do not accept them:
 *
 *     handshaking -> connecting -> connected -> authorizing -> publishing -> connected ...
 *                                            -> playing -> connected ...
 *     any -> closed
 */
export type SessionState =
  | { readonly phase: 'handshaking' }
  /** The handshake is done; only `connect` is accepted. */
  | { readonly phase: 'connecting' }
  | { readonly phase: 'connected'; readonly target: ConnectTarget }
  /** A publish is being decided on; reading is paused. */
  | { readonly phase: 'authorizing'; readonly target: ConnectTarget; readonly abort: AbortController }
  | {
      readonly phase: 'publishing';
      readonly target: ConnectTarget;
      readonly stream: StreamTarget;
      readonly streamId: number;
      readonly publication: Publication;
      readonly inlet: StreamInlet;
    }
  | {
      readonly phase: 'playing';
      readonly target: ConnectTarget;
      readonly channel: Channel;
      readonly stream: StreamTarget;
      readonly streamId: number;
      readonly player: Player;
    }
  | { readonly phase: 'closed' };

export type SessionPhase = SessionState['phase'];

/** Why sessions end, for metrics; the log line has the words. */
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
  | 'too_slow'
  | 'killed'
  | 'displaced'
  /** Another worker goes on with the connection. */
  | 'moved'
  | 'shutdown'
  /** A defect of this server's, logged with its stack. */
  | 'internal_error';
