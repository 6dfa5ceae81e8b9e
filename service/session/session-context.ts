import type { Hub } from '../hub/hub';
import type { Logger } from '../logging/logger';
import type { TrafficCounters } from '../metrics/traffic-counters';
import type { NameRules } from './name-rules';
import type { PublishGate } from './publish-gate';
import type { Session } from './session';
import type { CloseCode } from './session-state';

export interface SessionTimeouts {
  /** A publisher that sends no audio or video for so long is gone, even if it answers pings (ms). */
  readonly mediaMs: number;
  /** A client that sends nothing at all for so long is gone (ms). */
  readonly silentMs: number;
}

/** What all sessions of a node share. */
export interface SessionContext {
  readonly hub: Hub;
  readonly gate: PublishGate;
  readonly names: NameRules;
  readonly log: Logger;
  readonly traffic: TrafficCounters;
  /** Outgoing chunk size, 128..65536. */
  readonly chunkSize: number;
  readonly timeouts: SessionTimeouts;
  /** The most that a player may be sent at once of what is cached (bytes). */
  readonly gopCacheBytes: number;
  /** Whether a client with this address may play. */
  mayPlay(address: string): boolean;
  /** A viewer waits for this channel, which no publisher has here: it may be live elsewhere. */
  streamWanted(channel: string): void;
  /**
   * Takes a viewer's connection to the process of this machine that has the stream, if that is another one and the
   * better place; the session is closed then. Absent where there is one process only.
   */
  readonly moveToStream?: (session: Session, channel: string) => Promise<void>;
  /** Whether the token lets another node play this channel; absent where there are no other nodes. */
  readonly verifyRelay?: (token: string, channel: string) => Promise<boolean>;
  /** Why no new stream or player can begin here now; undefined when one can. */
  refusal(): string | undefined;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Media was taken in outside of a read: what is ready may go out. */
  afterRead(): void;
  sessionClosed(code: CloseCode): void;
}
