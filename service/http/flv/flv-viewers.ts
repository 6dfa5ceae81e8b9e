import type { Socket } from 'node:net';
import type { Logger } from '../../logging/logger';
import { outlivesErrors } from '../../net/sockets/accepted-socket';
import type { NameRules } from '../../session/rtmp-commands/name-rules';
import { FlvViewer, type ViewerContext } from './flv-viewer';
import { HttpConnection } from './http-connection';
import { answerHead, type PlayRefusal } from './http-text';
import { PlayOrigins } from './play-origins';
import { type PlayRequest, targetOf } from './play-request';
import type { ViewerConnection } from './viewer-connection';
import { WebSocketConnection } from './websocket-connection';

export interface FlvViewersOptions extends ViewerContext {
  readonly names: NameRules;
  /** Most HTTP players at a time. */
  readonly maxPlayers: number;
  /** Origins of web pages that may play, in addition to the server's own; `*`: all. */
  readonly origins: readonly string[];
  readonly log: Logger;
  /** The next number of a connection in the log. */
  nextId(): number;
}

/** How many players a node that is being emptied ends at a time, and the pause after that (ms). */
const ENDED_AT_ONCE = 50;
const END_AGAIN_MS = 250;
/** When TCP keep-alive begins (ms): it finds dead peers behind NATs that forgot the connection. */
const KEEP_ALIVE_MS = 30_000;
/** Most connections that are being closed after a refusal; further ones get no answer. */
const MAX_LEAVING = 256;

/** The HTTP players of a node: streams as FLV, in the body of an HTTP answer or in WebSocket messages. */
export class FlvViewers {
  readonly #options: FlvViewersOptions;
  readonly #origins: PlayOrigins;
  readonly #viewers = new Set<FlvViewer>();
  readonly #sockets = new Set<Socket>();

  constructor(options: FlvViewersOptions) {
    this.#options = options;
    this.#origins = new PlayOrigins(options.origins);
  }

  /** Players that wait or play. */
  get size(): number {
    return this.#viewers.size;
  }

  /** Serves the client on this connection, which nobody else writes to from now on. */
  play(request: PlayRequest, socket: Socket): void {
    outlivesErrors(socket);
    if (this.#sockets.size - this.#viewers.size >= MAX_LEAVING) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // A player may say nothing for hours, and a stream may be silent.
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const fields = this.#origins.fields(request);
    const { now, names } = this.#options;
    const connection =
      request.head === undefined
        ? new HttpConnection(socket, fields, request.httpVersion)
        : new WebSocketConnection(socket, fields, request, now);
    if (request.method === 'OPTIONS') {
      connection.answer(answerHead(204, { ...fields, ...this.#origins.preflightFields() }));
      return;
    }
    const { watched } = request;
    const target = watched === undefined ? targetOf(request.url, names) : { channel: watched, key: '', query: '' };
    const refusal = this.#refusal(request);
    if (refusal === undefined && target !== undefined) {
      this.#admit({ request, connection, target });
      return;
    }
    const told: PlayRefusal = refusal ?? { status: 404, detail: `Bad stream key: ${names.allowed} are allowed` };
    connection.refuse(told);
    this.#options.log.request('play refused', { ip: request.address, reason: `${told.status} ${told.detail}` });
  }

  /** Ends the players, some at a time, to spare the nodes that they come to next. No new ones are admitted by now. */
  letGo(reason: string): void {
    const endSome = (): void => {
      for (const viewer of [...this.#viewers].slice(0, ENDED_AT_ONCE)) viewer.shutDown(reason);
      if (this.size === 0) clearInterval(timer);
    };
    const timer = setInterval(endSome, END_AGAIN_MS).unref();
    endSome();
  }

  /** Ends all players, once what they were sent has reached them. */
  shutDown(reason: string): void {
    for (const viewer of this.#viewers) viewer.shutDown(reason);
  }

  /** Closes the connections that are left. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #refusal(request: PlayRequest): PlayRefusal | undefined {
    const { maxPlayers } = this.#options;
    const later = { 'retry-after': '5' };
    const leaving = this.#options.refusal();
    if (leaving !== undefined) return { status: 503, detail: leaving, headers: later };
    if (request.method !== 'GET')
      return { status: 405, detail: 'A stream is played with GET', headers: { allow: 'GET' } };
    if (!this.#origins.allows(request)) {
      return { status: 403, detail: 'Pages of this origin may not play (HTTP_PLAY_ORIGINS)' };
    }
    if (this.size < maxPlayers) return undefined;
    return { status: 503, detail: 'Too many HTTP players (HTTP_MAX_PLAYERS)', headers: later };
  }

  #admit({ request: { address, watched }, connection, target }: Admission): void {
    const log = this.#options.log.child({ session: this.#options.nextId(), ip: address });
    const over = (): void => void this.#viewers.delete(viewer);
    const needsNoKey = watched !== undefined;
    const viewer = new FlvViewer({ context: this.#options, connection, address, target, needsNoKey, log, over });
    this.#viewers.add(viewer);
    connection.socket.once('close', () => viewer.disconnected());
    void viewer.start();
  }
}

interface Admission {
  readonly request: PlayRequest;
  readonly connection: ViewerConnection;
  readonly target: NonNullable<ReturnType<typeof targetOf>>;
}
