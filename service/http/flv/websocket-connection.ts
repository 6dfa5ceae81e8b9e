import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { TokenBucket } from '../../collections/token-bucket';
import type { MonotonicClock } from '../../time/clock';
import { binaryFrames } from './flv-formats';
import type { HeaderFields } from './http-text';
import type { PlayRequest } from './play-request';
import { type CloseCode, ViewerConnection } from './viewer-connection';

/** Players have nothing to say: longer messages close the connection (bytes). */
const MAX_MESSAGE_BYTES = 1024;
/** Messages and pings that a player may send: each ping is answered. */
const MESSAGE_BURST = 20;
const MESSAGES_PER_SECOND = 5;
/** How long the closing handshake may take, unsent bytes included (ms). */
const CLOSE_MS = 5_000;
/** How often a player is pinged (ms): proxies close connections that are silent for a minute. */
const PING_MS = 25_000;

const handshakes = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  // Video does not compress.
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE_BYTES,
});

/**
 * A player that gets the stream as binary WebSocket messages. The stream's frames are written straight to the socket,
 * the same bytes for all players; `ws` does the handshakes at the beginning and the end, and answers pings.
 */
export class WebSocketConnection extends ViewerConnection {
  readonly format = binaryFrames;
  readonly #request: PlayRequest;
  readonly #now: MonotonicClock;
  #webSocket: WebSocket | undefined;

  constructor(socket: Socket, fields: HeaderFields, request: PlayRequest, now: MonotonicClock) {
    super(socket, fields);
    this.#request = request;
    this.#now = now;
  }

  /** False when the client's handshake is not valid; it has been answered then. */
  protected begin(): boolean {
    const { method, url, headers, head = '' } = this.#request;
    // All that the handshake looks at.
    const request = { method, url, headers } as unknown as IncomingMessage;
    handshakes.handleUpgrade(request, this.socket, Buffer.from(head, 'base64'), (webSocket) => this.#opened(webSocket));
    return this.#webSocket !== undefined;
  }

  protected close(code: CloseCode, reason: string): void {
    const deadline = setTimeout(() => this.socket.destroy(), CLOSE_MS).unref();
    this.socket.once('close', () => clearTimeout(deadline));
    this.#webSocket?.close(code, reason);
  }

  #opened(webSocket: WebSocket): void {
    this.#webSocket = webSocket;
    const bucket = new TokenBucket(MESSAGE_BURST, MESSAGES_PER_SECOND);
    const heard = (): void => {
      if (!bucket.take(this.#now())) webSocket.terminate();
    };
    webSocket.on('error', () => undefined);
    for (const event of ['message', 'ping', 'pong']) webSocket.on(event, heard);
    const pings = setInterval(() => webSocket.ping(), PING_MS).unref();
    this.socket.once('close', () => clearInterval(pings));
  }
}
