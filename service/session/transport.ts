import type { PlayerOutlet } from '../hub/player';

/** A connection as sessions see it: bytes out, and control over bytes in. Bytes in come through `Session.receive`. */
export interface Transport extends PlayerOutlet {
  /** The client's own address, unmapped. */
  readonly remoteAddress: string;
  /** Whether the client came over TLS. */
  readonly secure: boolean;
  /** Stops reading; what was read already may still arrive. */
  pause(): void;
  resume(): void;
  /** Closes once everything written is sent, or after a few seconds. */
  end(): void;
}
