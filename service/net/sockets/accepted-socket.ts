import type { Socket } from 'node:net';

/**
 * To be called with every connection as soon as there is a socket for it: a reset of a socket without an 'error'
 * listener would end the process. Code that needs the reason adds a listener, too. The socket stays paused, so that
 * its bytes wait for a reader.
 */
export function outlivesErrors<T extends Socket>(socket: T): T {
  return socket.on('error', ignore);
}

function ignore(): void {}
