import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectionHandle, Transport } from '../../session/transport';
import type { Visit } from '../gate/connection-gate';
import { endSocket } from './end-socket';
import { takeHandle } from './socket-handle';

interface TransportOptions {
  readonly remoteAddress: string;
  readonly secure: boolean;
  /** This many of the first bytes to be written have been sent by another process already. */
  readonly alreadySent?: number | undefined;
}

/** A session's connection: a socket, plain or TLS. */
export class SocketTransport implements Transport {
  readonly remoteAddress: string;
  readonly secure: boolean;
  #ended = false;
  #alreadySent: number;

  constructor(
    readonly socket: Socket,
    readonly visit: Pick<Visit, 'proven' | 'leave'>,
    { remoteAddress, secure, alreadySent = 0 }: TransportOptions,
  ) {
    this.remoteAddress = remoteAddress;
    this.secure = secure;
    this.#alreadySent = alreadySent;
  }

  proven(asRelay: boolean): void {
    this.visit.proven(asRelay);
  }

  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  write(bytes: Buffer): boolean {
    const { socket } = this;
    // Not writable: the client has left, and an 'error' or 'close' event follows.
    if (this.#ended || !socket.writable) return false;
    if (this.#alreadySent === 0) socket.write(bytes);
    else this.#writeUnsent(bytes);
    return socket.writableLength > 0;
  }

  writeAll(views: readonly Buffer[]): boolean {
    if (views.length === 1) return this.write(views[0]!);
    const { socket } = this;
    if (this.#ended || !socket.writable) return false;
    socket.cork();
    for (let i = 0; i < views.length; i += 1) {
      if (this.#alreadySent === 0) socket.write(views[i]!);
      else this.#writeUnsent(views[i]!);
    }
    socket.uncork();
    return socket.writableLength > 0;
  }

  #writeUnsent(bytes: Buffer): void {
    const skipped = Math.min(this.#alreadySent, bytes.length);
    this.#alreadySent -= skipped;
    if (skipped < bytes.length) this.socket.write(bytes.subarray(skipped));
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  async detach(): Promise<ConnectionHandle | undefined> {
    const { socket } = this;
    this.#ended = true;
    if (socket.destroyed) return undefined;
    const handle = takeHandle(socket);
    // Its place and its session are released before the next process asks for them.
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
    return handle;
  }

  end(): void {
    this.#ended = true;
    // A client that is slow to close, or refuses to, must not keep its next connection out.
    this.visit.leave();
    endSocket(this.socket);
  }
}
