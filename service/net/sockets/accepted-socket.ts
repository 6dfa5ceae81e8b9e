import type { Socket } from 'node:net';

/**
 * To be called with every connection as soon as there is a socket for it. From then on a reset at any time is an end
 * like any other, also while nobody has taken the socket over: a socket without a listener for errors would end the
 * process. Whoever wants the reason listens as well. Until somebody reads it the socket stays paused, so that its bytes
 * wait in it.
 */
export function outlivesErrors<T extends Socket>(socket: T): T {
  return socket.on('error', ignore);
}

function ignore(): void {}
