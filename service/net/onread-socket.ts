import { Socket } from 'node:net';

/** What `onread` calls with each read: how many bytes are in the buffer. False stops reading at once. */
export type OnRead = (bytes: number, buffer: Buffer) => boolean;

interface StreamHandle {
  reading: boolean;
  readStop(): number;
}

interface SocketWithHandle {
  _handle: StreamHandle | null | undefined;
}

/**
 * Reads from an accepted socket straight into a buffer of ours: no Buffer is made for a read, and reading can be
 * stopped before the next one. `net.Server` offers no `onread`, so the connection's handle moves to a new Socket; a
 * test says whether this still works on the Node.js at hand.
 *
 * @returns undefined where this Node.js does not allow it; 'data' events are to be used then
 */
export function adoptWithOnRead(accepted: Socket, buffer: Buffer, callback: OnRead): Socket | undefined {
  const holder = accepted as unknown as SocketWithHandle;
  const handle = holder._handle;
  if (handle === null || handle === undefined) return undefined;
  const options = {
    handle,
    allowHalfOpen: false,
    onread: { buffer, callback: (bytes: number) => callback(bytes, buffer) },
  };
  // Reading may have begun for a PROXY header; the new socket starts it anew.
  handle.readStop();
  handle.reading = false;
  holder._handle = null;
  return new Socket(options);
}
