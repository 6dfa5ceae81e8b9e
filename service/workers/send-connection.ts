import type { SendHandle } from 'node:child_process';
import { closeHandle, sendable } from '../net/sockets/socket-handle';
import type { ConnectionHandle } from '../session/transport';
import type { ConnectionMessage, HttpPlayerMessage } from './messages';

type Message = ConnectionMessage | HttpPlayerMessage;
type Send = (message: Message, handle: SendHandle, options: object, sent: () => void) => void;

/**
 * Sends a connection to another process, and closes this process's side. If the other process has ended, the connection
 * is closed: the client reconnects.
 *
 * @param sent called when this process has closed its side. Not called, with the connection still open here, when the
 *   other process dies before it has accepted a connection that was sent to it earlier
 * @returns false when this Node.js cannot send connections; the connection is closed then, too
 */
export function sendConnection(send: Send, message: Message, handle: ConnectionHandle, sent?: () => void): boolean {
  try {
    send(message, sendable(handle), {}, () => {
      closeHandle(handle);
      sent?.();
    });
    return true;
  } catch {
    closeHandle(handle);
    return false;
  }
}
