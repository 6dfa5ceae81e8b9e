import type { SendHandle } from 'node:child_process';
import type { ConnectionHandle } from '../session/transport';
import type { ConnectionMessage } from './messages';

type Send = (message: ConnectionMessage, handle: SendHandle, options: object, sent: () => void) => void;

/**
 * Sends a connection to another process, which has it alone then. If that process is gone the connection is closed: the
 * client connects anew.
 */
export function sendConnection(send: Send, message: ConnectionMessage, handle: ConnectionHandle): void {
  // Node takes the bare handle of a socket too: a Socket around it would begin to read.
  send(message, handle as SendHandle, {}, () => closeConnection(handle));
}

/** Closes this process's side of a connection. */
export function closeConnection(handle: ConnectionHandle): void {
  (handle as { close(): void }).close();
}
