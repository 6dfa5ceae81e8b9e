import type { PlayerOutlet } from '../hub/player';

/** An operating system's connection, for another process to go on with. */
export type ConnectionHandle = object;

/** A connection as sessions see it: bytes out, and control over bytes in. Bytes in come through `Session.receive`. */
export interface Transport extends PlayerOutlet {
  /** The client's own address, unmapped. */
  readonly remoteAddress: string;
  /** Whether the client came over TLS. */
  readonly secure: boolean;
  /** The client was let publish or play: it is no stranger any more, whose connection gives way to newer ones. */
  proven(): void;
  /** Stops reading; what was read already may still arrive. */
  pause(): void;
  resume(): void;
  /** Takes the connection out of this process's care; undefined when it has closed. Nothing may be unsent. */
  detach(): Promise<ConnectionHandle | undefined>;
  /** Closes once everything written is sent, or after a few seconds. */
  end(): void;
}
