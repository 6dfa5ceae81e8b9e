/**
 * All that the service uses of Node.js's sockets beyond what Node documents is in this file. `io-path.ts` tries each of
 * these at start and has the server do without them where one does not work.
 */
import type { SendHandle } from 'node:child_process';
import { readSync } from 'node:fs';
import { Socket } from 'node:net';
import type { ConnectionHandle } from '../../session/transport';

/** What `onread` calls with each read: how many bytes are in the buffer. False stops reading at once. */
export type OnRead = (bytes: number, buffer: Buffer) => boolean;

/** The operating system's connection, as Node's sockets hold it. */
interface StreamHandle extends ConnectionHandle {
  /** The descriptor; -1 where there is none, as on Windows. */
  readonly fd: number;
  reading: boolean;
  readStart(): number;
  readStop(): number;
  close(): void;
}

interface SocketWithHandle {
  _handle: StreamHandle | null | undefined;
}

/**
 * Reads from an accepted socket straight into a buffer of ours: no Buffer is made for a read, and reading can be
 * stopped before the next one. `net.Server` offers no `onread`, so the connection's handle moves to a new Socket.
 *
 * @returns undefined when the connection has ended already
 */
export function adoptWithOnRead(accepted: Socket, buffer: Buffer, callback: OnRead): Socket | undefined {
  const handle = takeHandle(accepted);
  if (handle === undefined) return undefined;
  const options = {
    handle,
    allowHalfOpen: false,
    onread: { buffer, callback: (bytes: number) => callback(bytes, buffer) },
  };
  return new Socket(options);
}

/**
 * Takes a socket's connection from it; undefined when it has none any more. What the socket has read and nobody has
 * taken from it (`socket.read()`) is not in the connection any more; beyond that the socket is of no use then.
 */
export function takeHandle(socket: Socket): ConnectionHandle | undefined {
  const holder = socket as unknown as SocketWithHandle;
  const handle = holder._handle;
  if (handle === null || handle === undefined) return undefined;
  // Reading may have begun, for a PROXY header say; whoever has the connection next starts it anew.
  handle.readStop();
  handle.reading = false;
  holder._handle = null;
  return handle;
}

/** A socket on a connection that was another one's; it is not read before it is resumed. */
export function socketOn(handle: ConnectionHandle): Socket {
  // `handle` is not among the options that Node documents.
  const options = { handle, readable: true, writable: true, pauseOnCreate: true };
  return new Socket(options);
}

/** For `process.send`. Node takes the bare handle of a socket too: a Socket around it would begin to read. */
export function sendable(handle: ConnectionHandle): SendHandle {
  return handle as SendHandle;
}

/** Closes this process's side of a connection that is no socket's. */
export function closeHandle(handle: ConnectionHandle): void {
  (handle as StreamHandle).close();
}

/**
 * Reads at once from an adopted socket that is not being read, past the event loop: to have the loop do it costs two
 * changes of what it polls for and a wake-up, together a third of what the read does.
 *
 * @returns how many bytes are in the buffer now; 0 when that cannot be had here: nothing has come, or the connection has
 *   ended or failed, which the socket finds out when it is resumed
 */
export function readNow(socket: Socket, buffer: Buffer): number {
  const { _handle: handle } = socket as unknown as SocketWithHandle;
  if (handle === null || handle === undefined || !(handle.fd >= 0)) return 0;
  try {
    return readSync(handle.fd, buffer);
  } catch {
    return 0;
  }
}

/**
 * Has `read` called when a socket gives its connection up for an error, just before the connection is closed. A client
 * that closes with answers unread resets the connection: whatever is written to it next fails, although what it had sent
 * may be here still, to be read with `readNow`.
 */
export function beforeLoss(socket: Socket, read: () => void): void {
  const destroy = socket._destroy.bind(socket);
  socket._destroy = (error, callback) => {
    if (error === null) {
      destroy(error, callback);
      return;
    }
    // Not within the write that failed, which may answer what is being read just now.
    process.nextTick(() => {
      read();
      destroy(error, callback);
    });
  };
}

/**
 * Stops reading from a socket with 'data' events; `startReading` goes on. `pause` does not do: a paused socket is read
 * until its stream's buffer is full.
 */
export function stopReading(socket: Socket): void {
  // What Node keeps in `reading` stays as it is, or the stream would start reading again.
  (socket as unknown as SocketWithHandle)._handle?.readStop();
}

export function startReading(socket: Socket): void {
  (socket as unknown as SocketWithHandle)._handle?.readStart();
}
