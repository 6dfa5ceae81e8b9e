import type { Socket } from 'node:net';
import { DirectWriter } from './direct-writer';
import type { Transport } from '../session/transport';

/** How long a closing connection may take to send what is left (ms). */
const LINGER_MS = 5_000;
/** How long the client's own end is waited for after that (ms). */
const CLIENT_END_MS = 1_000;

/** A session's way to its socket, plain or TLS. */
export class SocketTransport implements Transport {
  #direct: DirectWriter | undefined;
  #ended = false;

  constructor(
    readonly socket: Socket,
    readonly remoteAddress: string,
    readonly secure: boolean,
  ) {
    if (!secure) DirectWriter.learnFrom(socket);
  }

  get unsentBytes(): number {
    return this.#direct === undefined ? this.socket.writableLength : this.#direct.unsentBytes;
  }

  write(bytes: Buffer): void {
    if (this.#ended) return;
    // Once there is a way past the stream nothing goes through it any more, so that nothing can be overtaken.
    if (this.#direct !== undefined) this.#direct.write(bytes);
    else this.#writeToStream(bytes);
  }

  writeAll(views: readonly Buffer[]): void {
    if (this.#ended) return;
    if (views.length === 1) this.write(views[0]!);
    else if (this.#direct !== undefined) this.#direct.writeAll(views);
    else this.#writeToStream(...views);
  }

  #writeToStream(...views: readonly Buffer[]): void {
    const { socket } = this;
    if (!socket.writable) return;
    socket.cork();
    for (const view of views) socket.write(view);
    socket.uncork();
    if (!this.secure && socket.writableLength === 0) this.#direct = DirectWriter.for(socket);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
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
