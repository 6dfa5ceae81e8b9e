import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectionHandle, Transport } from '../session/transport';
import { DirectWriter } from './direct-writer';
import { takeHandle } from './socket-handle';

/** How long a closing connection may take to send what is left (ms). */
const LINGER_MS = 5_000;
/** How long the client's own end is waited for after that (ms). */
const CLIENT_END_MS = 1_000;

/** A session's way to its socket, plain or TLS. */
export class SocketTransport implements Transport {
  #direct: DirectWriter | undefined;
  #ended = false;
  #alreadySent: number;

  /** @param alreadySent so many bytes of what will be written first are at the client, from another process */
  constructor(
    readonly socket: Socket,
    readonly remoteAddress: string,
    readonly secure: boolean,
    alreadySent = 0,
  ) {
    this.#alreadySent = alreadySent;
    if (!secure) DirectWriter.learnFrom(socket);
  }

  get unsentBytes(): number {
    return this.#direct === undefined ? this.socket.writableLength : this.#direct.unsentBytes;
  }

  write(bytes: Buffer): boolean {
    if (this.#ended) return false;
    // Once there is a way past the stream nothing goes through it any more, so that nothing can be overtaken.
    return this.#direct === undefined ? this.#writeToStream(bytes) : this.#direct.write(bytes);
  }

  writeAll(views: readonly Buffer[]): boolean {
    if (this.#ended) return false;
    if (views.length === 1) return this.write(views[0]!);
    return this.#direct === undefined ? this.#writeToStream(...views) : this.#direct.writeAll(views);
  }

  #writeToStream(...views: readonly Buffer[]): boolean {
    const { socket } = this;
    if (!socket.writable) return false;
    socket.cork();
    for (const view of views) {
      const skipped = Math.min(this.#alreadySent, view.length);
      this.#alreadySent -= skipped;
      if (skipped < view.length) socket.write(view.subarray(skipped));
    }
    socket.uncork();
    if (socket.writableLength > 0) return true;
    if (!this.secure && this.#alreadySent === 0) this.#direct = DirectWriter.for(socket);
    return false;
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
    // Its place and its session are given back before the next process asks for them.
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
    return handle;
  }

  end(): void {
    const { socket } = this;
    this.#ended = true;
    if (socket.destroyed) return;
    let deadline = setTimeout(() => socket.destroy(), LINGER_MS).unref();
    // Destroyed while the client still sends, the connection would be reset, and the reset may overtake the answer.
    socket.end(() => {
      clearTimeout(deadline);
      deadline = setTimeout(() => socket.destroy(), CLIENT_END_MS).unref();
    });
    socket.once('close', () => clearTimeout(deadline));
    // What comes in is not looked at any more, but the client's end must be noticed.
    socket.resume();
  }
}
