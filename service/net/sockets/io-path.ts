import type { Logger } from '../../logging/logger';
import { findHandleFault } from './socket-check';
import type { TlsTermination } from '../tls/tls-termination';

/**
 * How clients' sockets are read:
 * - `onread`: into one buffer of the server, and any socket can be left unread, with undocumented parts of Node.js (see
 *   `socket-handle.ts`);
 * - `public`: with 'data' events, `pause` and `resume`. Works as well, but costs more CPU time.
 */
export type IoPath = 'onread' | 'public';

/**
 * Chooses `onread` if it works on this Node.js, which is tested on loopback connections. Takes some milliseconds, two
 * seconds at most, and never fails.
 *
 * @param tls present: TLS connections are tested too
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
