import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';

/** What a socket's handle offers underneath its stream. */
interface WriteHandle {
  writeBuffer(request: object, bytes: Buffer): number;
  writev(request: object, views: readonly Buffer[], allBuffers: true): number;
  readonly writeQueueSize: number;
}

interface WriteRequest {
  /** Below 0 while no write has taken it. */
  getAsyncId(): number;
  oncomplete?: (status: number) => void;
  /** Keep what is being sent from the collector. */
  bytes?: Buffer | readonly Buffer[];
}

type RequestClass = new () => WriteRequest;

/** Node's class for write requests; known after the first write of any socket. */
let requestClass: RequestClass | undefined;
/** A request is only used up by a write that the kernel did not take at once, which is rare. */
let spare: WriteRequest | undefined;

/**
 * Writes to a plain socket past its stream: the stream's book-keeping costs a third of what the system call does, and
 * for media the same bytes go to hundreds of sockets. Node does not offer this; `for` is undefined where it cannot be
 * had, and the stream is used then. From the first write through here on, the stream must not be written to any more.
 */
export class DirectWriter {
  readonly #handle: WriteHandle;
  readonly #socket: Socket;
  #waiting = 0;

  private constructor(socket: Socket, handle: WriteHandle) {
    this.#socket = socket;
    this.#handle = handle;
  }

  /** For a plain socket that is connected and has been written to; undefined where it cannot be had. */
  static for(socket: Socket): DirectWriter | undefined {
    const { _handle: handle } = socket as unknown as { readonly _handle: Partial<WriteHandle> | null };
    const complete =
      requestClass !== undefined &&
      typeof handle?.writeBuffer === 'function' &&
      typeof handle.writev === 'function' &&
      typeof handle.writeQueueSize === 'number';
    return complete ? new DirectWriter(socket, handle as WriteHandle) : undefined;
  }

  /** Learns Node's request class from the next write of this socket, if it is not known yet. */
  static learnFrom(socket: Socket): void {
    if (requestClass !== undefined) return;
    const { _handle: handle } = socket as unknown as {
      readonly _handle: (WriteHandle & Record<string, unknown>) | null;
    };
    if (typeof handle?.writeBuffer !== 'function') return;
    const original = handle.writeBuffer.bind(handle);
    Object.defineProperty(handle, 'writeBuffer', {
      configurable: true,
      value(request: object, bytes: Buffer) {
        requestClass = request.constructor as RequestClass;
        delete (handle as Partial<WriteHandle>).writeBuffer;
        return original(request, bytes);
      },
    });
  }

  /** Bytes that the kernel has not taken yet. */
  get unsentBytes(): number {
    return this.#waiting === 0 ? 0 : this.#handle.writeQueueSize;
  }

  /** Whether anything is unsent after it. */
  write(bytes: Buffer): boolean {
    const request = (spare ??= new requestClass!());
    return this.#done(request, bytes, this.#handle.writeBuffer(request, bytes));
  }

  /** Whether anything is unsent after it. */
  writeAll(views: readonly Buffer[]): boolean {
    const request = (spare ??= new requestClass!());
    // The handle may keep the list, and callers use theirs again.
    const list = [...views];
    return this.#done(request, list, this.#handle.writev(request, list, true));
  }

  #done(request: WriteRequest, bytes: Buffer | readonly Buffer[], status: number): boolean {
    if (status !== 0) {
      this.#fail(status);
      return false;
    }
    // The queue may be empty again although the request is in use: the kernel took the rest between two attempts.
    if (request.getAsyncId() < 0) return false;
    spare = undefined;
    this.#waiting += 1;
    request.bytes = bytes;
    request.oncomplete = (result) => {
      this.#waiting -= 1;
      if (result < 0) this.#fail(result);
    };
    return true;
  }

  #fail(status: number): void {
    if (this.#socket.destroyed) return;
    const code = getSystemErrorName(status);
    this.#socket.destroy(Object.assign(new Error(`write ${code}`), { code }));
  }
}
