import type { Logger } from '../../logging/logger';
import { findHandleFault } from './socket-check';
import type { TlsTermination } from '../tls/tls-termination';

/**
 * How clients' sockets are read:
 * - `onread`: plain ones into one buffer of the server, and any can be left unread at will, by parts of Node.js that it
 *   does not document (see `socket-handle.ts`);
 * - `public`: with 'data' events, `pause` and `resume`. It serves everybody alike and costs more CPU time.
 */
export type IoPath = 'onread' | 'public';

/**
 * The better path if it works on this Node.js, which is tried on connections over the loopback. Takes some milliseconds,
 * or two seconds at most, and never fails.
 *
 * @param tls present where connections are TLS: they are tried too
 */
export async function chooseIoPath(
  log: Logger,
  tls?: TlsTermination,
  findFault: typeof findHandleFault = findHandleFault,
): Promise<IoPath> {
  const fault = await findFault(tls);
  if (fault === undefined) return 'onread';
  log.warning('sockets are read by public calls alone, which costs CPU time', { node: process.version, reason: fault });
  return 'public';
}
