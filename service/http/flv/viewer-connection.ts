import type { Socket } from 'node:net';
import type { PlayerFormat } from '../../hub/player-format';
import type { PlayerOutlet } from '../../hub/player';
import { type FlvKinds, flvHeader } from '../../protocol/flv/flv-tag';
import { endSocket } from '../../net/sockets/end-socket';
import { wrapped } from './flv-formats';
import { type HeaderFields, type PlayRefusal, problemAnswer } from './http-text';

/** Why the server ends a player's stream, as WebSocket close codes (RFC 6455 section 7.4.1). */
export const CloseCode = { Ended: 1000, ShuttingDown: 1001 } as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/**
 * The connection of one HTTP player. It is answered once: with `open` or with `refuse`. The FLV header precedes the
 * first bytes of the stream, because only then is it known what the stream contains.
 */
export abstract class ViewerConnection implements PlayerOutlet {
  abstract readonly format: PlayerFormat;
  #kinds: (() => FlvKinds) | undefined;
  #ended = false;

  constructor(
    readonly socket: Socket,
    /** Fields of every answer. */
    protected readonly fields: HeaderFields,
  ) {}

  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  /**
   * Begins the stream; false when the connection cannot be used for it.
   *
   * @param kinds asked when the stream's first bytes come
   */
  open(kinds: () => FlvKinds): boolean {
    this.#kinds = kinds;
    return this.socket.writable && this.begin();
  }

  write(bytes: Buffer): boolean {
    const { socket } = this;
    // Not writable: the client has left, and a 'close' event follows.
    if (this.#ended || !socket.writable) return false;
    if (this.#kinds === undefined) {
      socket.write(bytes);
    } else {
      socket.cork();
      socket.write(wrapped(flvHeader(this.#kinds()), this.format));
      this.#kinds = undefined;
      socket.write(bytes);
      socket.uncork();
    }
    return socket.writableLength > 0;
  }

  writeAll(views: readonly Buffer[]): boolean {
    for (const view of views) this.write(view);
    return this.socket.writableLength > 0;
  }

  /** Answers that the stream cannot be played, instead of `open`. */
  refuse(refusal: PlayRefusal): void {
    this.answer(problemAnswer(refusal, this.fields));
  }

  /** Sends a whole answer, instead of `open`. */
  answer(text: string): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.socket.writable) this.socket.write(text, 'latin1');
    endSocket(this.socket);
  }

  /** Ends the stream once everything is sent. */
  finish(code: CloseCode, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.close(code, reason);
  }

  /** Closes the connection at once, so that the stream is seen to be cut off. */
  cut(): void {
    this.#ended = true;
    this.socket.destroy();
  }

  /** Sends what precedes the FLV header. */
  protected abstract begin(): boolean;
  protected abstract close(code: CloseCode, reason: string): void;
}
