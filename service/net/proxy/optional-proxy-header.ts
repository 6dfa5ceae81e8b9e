import type { Socket } from 'node:net';
import { outlivesErrors } from '../sockets/accepted-socket';
import { parseProxyHeader } from './proxy-protocol';

/**
 * Removes a PROXY protocol header from the start of a connection, if there is one, and calls `ready` while all later
 * bytes are still to be read, with whether there was one. For ports that get connections with and without a header; its contents are not trusted. A
 * connection that sends nothing within `deadlineMs` is closed.
 */
export function skipProxyHeader(socket: Socket, deadlineMs: number, ready: (hadHeader: boolean) => void): void {
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
    const headerBytes = headerLength(received);
    if (headerBytes === 'incomplete') return;
    done();
    socket.pause();
    const rest = received.subarray(headerBytes);
    if (rest.length > 0) socket.unshift(rest);
    ready(headerBytes > 0);
    socket.resume();
  };
  outlivesErrors(socket);
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('close', done);
}

function headerLength(received: Buffer): number | 'incomplete' {
  try {
    const result = parseProxyHeader(received, 'any');
    return result.kind === 'header' ? result.length : 'incomplete';
  } catch {
    return 0;
  }
}
