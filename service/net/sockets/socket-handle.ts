/**
 * Everything that the service uses of Node.js's sockets without documentation is in this file. `io-path.ts` has each of
 * these parts tested at the start; where one does not work, the server uses none of them.
 */
import type { SendHandle } from 'node:child_process';
import { readSync } from 'node:fs';
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
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

/** A TLS connection, around the operating system's. */
interface DecryptingHandle {
  useUserBuffer(buffer: Buffer): void;
  /** Takes bytes as if they had just come. */
  receive(encrypted: Buffer): void;
}

interface SocketWithHandle {
  _handle: StreamHandle | null | undefined;
}

/**
 * Reads from an accepted socket straight into the given buffer: no Buffer is made for a read, and reading can be
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
 * Detaches the connection from a socket; undefined when it has ended. Bytes that the socket has read already stay there
 * (`socket.read()`); the socket is of no other use then.
 */
export function takeHandle(socket: Socket): ConnectionHandle | undefined {
  const holder = socket as unknown as SocketWithHandle;
  const handle = holder._handle;
  if (handle === null || handle === undefined) return undefined;
  // Reading may have begun, for example for a PROXY header; the connection's next owner starts it again.
  handle.readStop();
  handle.reading = false;
  holder._handle = null;
  return handle;
}

/** Makes a socket for a detached connection; it is paused until it is resumed. */
export function socketOn(handle: ConnectionHandle): Socket {
  // `handle` is not among the options that Node documents.
  const options = { handle, readable: true, writable: true, pauseOnCreate: true };
  return new Socket(options);
}

/** For `process.send`. Node takes the bare handle of a socket too: a Socket around it would begin to read. */
export function sendable(handle: ConnectionHandle): SendHandle {
  return handle as SendHandle;
}

/** Closes this process's side of a detached connection. */
export function closeHandle(handle: ConnectionHandle): void {
  (handle as StreamHandle).close();
}

/**
 * Reads at once from a socket that is not being read, without the event loop: the loop would change twice what it
 * polls for and wake up once, which costs a third of the read.
 *
 * From a TLS socket come the bytes as they were sent, for `decrypt`.
 *
 * @returns how many bytes are in the buffer now; 0 when none have come, or when the connection has ended or failed
 *   (the socket reports that once it is resumed)
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
 * Calls `read` just before a socket closes its connection because of an error. A client that closes with answers unread
 * resets the connection: the next write to it fails, although bytes that it had sent may still be here, to be read with
 * `readNow`.
 */
export function beforeLoss(socket: Socket, read: () => void): void {
  const destroy = socket._destroy.bind(socket);
  socket._destroy = (error, callback) => {
    if (error === null) {
      destroy(error, callback);
      return;
    }
    // Not within the write that failed: it may be an answer to bytes that are being processed just now.
    process.nextTick(() => {
      read();
      destroy(error, callback);
    });
  };
}

/** Node's own names of the properties in which a socket keeps the options of `onread`. */
const BUFFER = 'kBuffer';
const CALLBACK = 'kBufferCb';

/**
 * Has a TLS connection of this server decrypt each record into the given buffer from now on, as `adoptWithOnRead` does
 * with reads: Node takes `onread` for TLS clients alone. No Buffer is made for a record: those of a hundred publishers
 * would keep the garbage collector busier than the decryption does the processor.
 *
 * @param callback false stops reading at once, but not the records that were read before
 */
export function decryptInto(secured: TLSSocket, buffer: Buffer, callback: OnRead): void {
  const { _handle: handle } = secured as unknown as { _handle: DecryptingHandle | null };
  const socket = secured as unknown as Record<symbol, unknown>;
  socket[symbolOf(secured, BUFFER)] = buffer;
  socket[symbolOf(secured, CALLBACK)] = (bytes: number) => callback(bytes, buffer);
  handle?.useUserBuffer(buffer);
}

function symbolOf(socket: TLSSocket, name: string): symbol {
  const found = Object.getOwnPropertySymbols(socket).find(({ description }) => description === name);
  if (found === undefined) throw new Error(`a socket has no ${name}`);
  return found;
}

/** Decrypts what `readNow` has read from a TLS connection: the callback of `decryptInto` is called for each record. */
export function decrypt(secured: TLSSocket, bytes: Buffer): void {
  (secured as unknown as { _handle: DecryptingHandle | null })._handle?.receive(bytes);
}
