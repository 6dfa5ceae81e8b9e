import type { Logger } from '../logging/logger';
import type { MovableSession } from './opening';
import type { CommandContext } from './rtmp-commands/command-context';
import type { CloseCode } from './session-state';
import type { Tracer } from '../tracing/span';

export interface SessionTimeouts {
  /** A publisher that sends no audio or video for this long is disconnected, even if it answers pings (ms). */
  readonly mediaMs: number;
  /** A client that sends nothing at all for this long is disconnected (ms). */
  readonly silentMs: number;
}

/** Shared by all sessions of a node. */
export interface SessionContext extends CommandContext {
  readonly log: Logger;
  readonly timeouts: SessionTimeouts;
  /** Absent where nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** The most cached media that a player may be sent at once (bytes). */
  readonly gopCacheBytes: number;
  /**
   * Moves a viewer's connection to the process of this machine that has the stream, if that is another process and the
   * better place; the session is closed then. Absent where there is only one process.
   */
  readonly moveToStream?: (session: MovableSession, channel: string) => Promise<void>;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Media was received outside of a read: ready messages may be sent. */
  afterRead(): void;
  sessionClosed(code: CloseCode): void;
}
