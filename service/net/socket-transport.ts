import type { Socket } from 'node:net';
import type { Transport } from '../session/transport';

/** How long a closing connection may take to send what is left (ms). */
const LINGER_MS = 5_000;
/** How long the client's own end is waited for after that (ms). */
const CLIENT_END_MS = 1_000;

/** A session's way to its socket, plain or TLS. */
export class SocketTransport implements Transport {
  constructor(
    readonly socket: Socket,
    readonly remoteAddress: string,
    readonly secure: boolean,
  ) {}

  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  write(bytes: Buffer): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  writeAll(views: readonly Buffer[]): void {
    if (!this.socket.writable) return;
    if (views.length === 1) {
      this.socket.write(views[0]!);
      return;
    }
    this.socket.cork();
    for (const view of views) this.socket.write(view);
    this.socket.uncork();
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
