import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { OperatorError } from '../../errors/operator-error';
import type { Logger } from '../../logging/logger';
import {
  type FromNode,
  FromProgram,
  LINK_PATH,
  MAX_MESSAGE_BYTES,
  PING_MS,
  readMessage,
  SILENCE_MS,
} from '../link/messages';

export interface LinkServerOptions {
  /** undefined: not known yet, nobody is let in. */
  readonly token: () => string | undefined;
  readonly log: Logger;
  /** A program has connected; one that was connected before does not answer. */
  readonly opened: (program: LinkedProgram) => void;
  readonly message: (message: FromProgram) => void;
  /** The program's connection is gone, and no other one has taken its place. */
  readonly lost: () => void;
}

export interface LinkedProgram {
  /** False: too much is unsent, and the connection was closed. */
  send(message: FromNode): boolean;
}

const LOOPBACK = '127.0.0.1';
/** Unsent bytes beyond which the program counts as hanging. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;
const MAX_HEADER_BYTES = 8 * 1024;
/** Connections without a token; with more, the oldest is closed, since the program shows its token at once. */
const MAX_STRANGERS = 16;
const HEADERS_MS = 5_000;
const WARN_MS = 60_000;
/** How long the program has to close its connection (ms). */
const CLOSE_MS = 500;

/** The node's end of the link: one program at a time, on the loopback interface, with a token. */
export class LinkServer {
  readonly #options: LinkServerOptions;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
  });
  /** Connections that have not shown a token. */
  readonly #connections = new Set<Socket>();
  #current: WebSocket | undefined;
  /** When the program was heard the last time (ms of `performance.now`). */
  #heardAt = 0;
  #refusedAt = -Infinity;

  constructor(options: LinkServerOptions) {
    this.#options = options;
    this.#server = createServer(
      { headersTimeout: HEADERS_MS, requestTimeout: HEADERS_MS, maxHeaderSize: MAX_HEADER_BYTES },
      (_, response) => response.writeHead(426, { upgrade: 'websocket', connection: 'close' }).end(),
    );
    this.#server.on('connection', (socket: Socket) => {
      this.#connections.add(socket);
      const [oldest] = this.#connections;
      if (this.#connections.size > MAX_STRANGERS) oldest!.destroy();
      socket.once('close', () => this.#connections.delete(socket));
    });
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      this.#upgrade(request, socket, head);
    });
    this.#server.on('clientError', (_, socket) => void socket.destroy());
  }

  /**
   * @param port 0: any free port
   * @returns the port
   * @throws OperatorError when the port is taken
   */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => {
        const why = cause.code === 'EADDRINUSE' ? 'it is in use' : cause.message;
        reject(new OperatorError(`Outputs cannot listen on ${LOOPBACK} port ${port}: ${why}`, { cause }));
      });
      this.#server.listen(port, LOOPBACK, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#connections) socket.destroy();
    const program = this.#current;
    program?.close(1001);
    setTimeout(() => program?.terminate(), CLOSE_MS).unref();
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (request.url !== LINK_PATH || !this.#isAuthorized(request.headers.authorization)) {
      this.#refuse(
        socket,
        '401 Unauthorized',
        'a program without the right token wanted to know of streams: is OUTPUTS_TOKEN the same?',
      );
      return;
    }
    if (this.#current !== undefined && performance.now() - this.#heardAt < SILENCE_MS) {
      this.#refuse(
        socket,
        '409 Conflict',
        'a second rtmp-outputs wants to connect while one is there: end one of them',
      );
      return;
    }
    this.#connections.delete(socket);
    this.#sockets.handleUpgrade(request, socket, head, (opened) => this.#take(opened));
  }

  /** One line for a program that tries again and again. */
  #refuse(socket: Socket, status: string, warning: string): void {
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
    if (performance.now() - this.#refusedAt < WARN_MS) return;
    this.#refusedAt = performance.now();
    this.#options.log.warning(warning);
  }

  #isAuthorized(header = ''): boolean {
    const token = this.#options.token();
    return token !== undefined && timingSafeEqual(digest(header), digest(`Bearer ${token}`));
  }

  #take(socket: WebSocket): void {
    // One that answers is not displaced: two programs would take turns for ever.
    this.#current?.terminate();
    this.#current = socket;
    this.#heardAt = performance.now();
    const ping = setInterval(() => {
      if (performance.now() - this.#heardAt > SILENCE_MS) socket.terminate();
      else socket.ping();
    }, PING_MS);
    const heard = (): void => {
      if (this.#current === socket) this.#heardAt = performance.now();
    };
    socket.on('pong', heard);
    socket.on('message', (data, isBinary) => {
      heard();
      if (this.#current !== socket) return;
      const message = isBinary ? undefined : readMessage(FromProgram, (data as Buffer).toString('utf8'));
      if (message !== undefined) this.#options.message(message);
      else this.#options.log.warning('a message of rtmp-outputs cannot be understood');
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      clearInterval(ping);
      if (this.#current !== socket) return;
      this.#current = undefined;
      this.#options.lost();
    });
    this.#options.opened({
      send(message) {
        if (socket.bufferedAmount > MAX_UNSENT_BYTES) {
          socket.terminate();
          return false;
        }
        socket.send(JSON.stringify(message));
        return true;
      },
    });
  }
}

/** Of equal length, so that comparing them takes the same time whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
