import type { Socket } from 'node:net';

/** How long a closing connection may take to send its unsent bytes (ms). */
const LINGER_MS = 5_000;
/** How long to wait for the client's end once they are sent (ms). */
const CLIENT_END_MS = 1_000;

/**
 * Closes a connection once its unsent bytes are sent. Destroying the socket while the client still sends would reset
 * the connection, and the reset may overtake the last answer; incoming bytes are ignored from now on.
 */
export function endSocket(socket: Socket): void {
  if (socket.destroyed) return;
  let deadline = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.end(() => {
    clearTimeout(deadline);
    deadline = setTimeout(() => socket.destroy(), CLIENT_END_MS).unref();
  });
  socket.once('close', () => clearTimeout(deadline));
  // The client's end must be noticed.
  socket.resume();
}
