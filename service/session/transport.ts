import type { PlayerOutlet } from '../hub/player';

/** An operating system's connection, for another process to continue. */
export type ConnectionHandle = object;

/** A connection as sessions see it: bytes out, and control over bytes in. Bytes in come through `Session.receive`. */
export interface Transport extends PlayerOutlet {
  /** The client's own address, unmapped. */
  readonly remoteAddress: string;
  /** Whether the client came over TLS. */
  readonly secure: boolean;
  /**
   * The client was accepted to publish or play: its connection is no longer closed in favour of new ones.
   *
   * @param asRelay it is another node's relay: limits for clients do not apply
   */
  proven(asRelay: boolean): void;
  /** Stops reading; bytes that were read already may still arrive. */
  pause(): void;
  resume(): void;
  /** Detaches the connection, for another process; undefined when it has closed. No bytes may be unsent. */
  detach(): Promise<ConnectionHandle | undefined>;
  /** Closes once everything written is sent, or after a few seconds. */
  end(): void;
}
