import type { Logger } from '../logging/logger';
import type { MovableSession } from './opening';
import type { CommandContext } from './rtmp-commands/command-context';
import type { CloseCode } from './session-state';

export interface SessionTimeouts {
  /** A publisher that sends no audio or video for so long is gone, even if it answers pings (ms). */
  readonly mediaMs: number;
  /** A client that sends nothing at all for so long is gone (ms). */
  readonly silentMs: number;
}

/** What all sessions of a node share. */
export interface SessionContext extends CommandContext {
  readonly log: Logger;
  readonly timeouts: SessionTimeouts;
  /** The most that a player may be sent at once of what is cached (bytes). */
  readonly gopCacheBytes: number;
  /**
   * Takes a viewer's connection to the process of this machine that has the stream, if that is another one and the
   * better place; the session is closed then. Absent where there is one process only.
   */
  readonly moveToStream?: (session: MovableSession, channel: string) => Promise<void>;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Media was taken in outside of a read: what is ready may go out. */
  afterRead(): void;
  sessionClosed(code: CloseCode): void;
}
