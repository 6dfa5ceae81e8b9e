import type { Socket } from 'node:net';
import { outlivesErrors } from '../sockets/accepted-socket';
import { readAhead } from '../gate/read-ahead';
import type { ProxyHeader } from './proxy-header';
import { parseProxyHeader } from './proxy-protocol';

/**
 * Removes a PROXY protocol header from the start of a connection, if there is one, and calls `ready` while all later
 * bytes are still to be read. For ports that get connections with and without a header: it is for the caller to decide
 * whether to trust its contents. A connection that sends nothing within `deadlineMs` is closed.
 */
export function skipProxyHeader(socket: Socket, deadlineMs: number, ready: (header?: ProxyHeader) => void): void {
  outlivesErrors(socket);
  let found: ProxyHeader | undefined;
  const deadline = setTimeout(() => socket.destroy(), deadlineMs);
  const used = (received: Buffer): number | undefined => {
    const read = headerIn(received);
    if (read === 'incomplete') return undefined;
    found = read.header;
    return read.length;
  };
  const begin = (): void => {
    ready(found);
    socket.resume();
  };
  readAhead(socket, used, begin, () => clearTimeout(deadline));
}

function headerIn(received: Buffer): { readonly length: number; readonly header?: ProxyHeader } | 'incomplete' {
  try {
    const result = parseProxyHeader(received, 'any');
    return result.kind === 'header' ? result : 'incomplete';
  } catch {
    return { length: 0 };
  }
}
