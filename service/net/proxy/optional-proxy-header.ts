import type { Socket } from 'node:net';
import { outlivesErrors } from '../sockets/accepted-socket';
import type { ProxyHeader } from './proxy-header';
import { parseProxyHeader } from './proxy-protocol';

/**
 * Removes a PROXY protocol header from the start of a connection, if there is one, and calls `ready` while all later
 * bytes are still to be read. For ports that get connections with and without a header: it is for the caller to decide
 * whether to trust its contents. A connection that sends nothing within `deadlineMs` is closed.
 */
export function skipProxyHeader(socket: Socket, deadlineMs: number, ready: (header?: ProxyHeader) => void): void {
  let received: Buffer = Buffer.alloc(0);
  const deadline = setTimeout(() => socket.destroy(), deadlineMs);
  const done = (): void => {
    clearTimeout(deadline);
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.off('close', done);
  };
  const onEnd = (): void => void socket.destroy();
  const onData = (bytes: Buffer): void => {
    received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
    const found = headerIn(received);
    if (found === 'incomplete') return;
    done();
    socket.pause();
    const rest = received.subarray(found.length);
    if (rest.length > 0) socket.unshift(rest);
    ready(found.header);
    socket.resume();
  };
  outlivesErrors(socket);
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('close', done);
}

function headerIn(received: Buffer): { readonly length: number; readonly header?: ProxyHeader } | 'incomplete' {
  try {
    const result = parseProxyHeader(received, 'any');
    return result.kind === 'header' ? result : 'incomplete';
  } catch {
    return { length: 0 };
  }
}
