import type { ConnectTarget } from './name-rules';

/**
 * Where a connection stands; what it publishes and plays is apart, in `OpenStreams`:
 *
 *     handshaking -> connecting -> connected
 *     any -> closed
 */
export type ConnectionState =
  | { readonly phase: 'handshaking' }
  /** The handshake is done; only `connect` is accepted. */
  | { readonly phase: 'connecting' }
  /** Message streams may be created, published and played. */
  | { readonly phase: 'connected'; readonly target: ConnectTarget }
  | { readonly phase: 'closed' };
