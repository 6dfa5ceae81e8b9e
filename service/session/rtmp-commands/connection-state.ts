import type { ConnectTarget } from './name-rules';

/**
 * The state of a connection; its publish and play are kept separately, in `OpenStreams`:
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
