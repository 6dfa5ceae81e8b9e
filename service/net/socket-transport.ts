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

  constructor(
    readonly socket: Socket,
    readonly remoteAddress: string,
    readonly secure: boolean,
  ) {
    if (!secure) DirectWriter.learnFrom(socket);
  }

  get unsentBytes(): number {
    return this.socket.writableLength + (this.#direct?.unsentBytes ?? 0);
  }

  write(bytes: Buffer): void {
    const { socket } = this;
    if (!socket.writable) return;
    const direct = this.#directWriter();
    if (direct === undefined) socket.write(bytes);
    else direct.write(bytes);
  }

  writeAll(views: readonly Buffer[]): void {
    if (!this.socket.writable) return;
    if (views.length === 1) {
      this.write(views[0]!);
      return;
    }
    const direct = this.#directWriter();
    if (direct !== undefined) {
      direct.writeAll(views);
      return;
    }
    this.socket.cork();
    for (const view of views) this.socket.write(view);
    this.socket.uncork();
  }

  /** The way past the stream; undefined where there is none, or while the stream holds bytes that go first. */
  #directWriter(): DirectWriter | undefined {
    if (this.secure || this.socket.writableLength > 0) return undefined;
    return (this.#direct ??= DirectWriter.for(this.socket));
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    const { socket } = this;
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
