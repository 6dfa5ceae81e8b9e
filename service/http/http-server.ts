import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type AddressRules, normalizeAddress } from '../addresses/address-rules';
import { OperatorError } from '../errors/operator-error';
import type { Logger } from '../logging/logger';
import { FaultRateLimit } from '../logging/rate-limit';
import { describeListenError } from '../net/listen-error';
import { outlivesErrors } from '../net/sockets/accepted-socket';
import type { ProxyHeader } from '../net/proxy/proxy-header';
import { skipProxyHeader } from '../net/proxy/optional-proxy-header';
import { type MonotonicClock, monotonicNow } from '../time/clock';
import { protocolOf } from '../protocol/first-bytes';
import { AllowedHosts } from './allowed-hosts';
import { API_PATH, type ApiServer } from './api/api-server';
import { ConnectionCap } from './connection-cap';
import { ConsolePages } from './console-pages';
import type { StreamReport } from './api/stream-report';
import { isStreamPath, playRequest, type PlayRequest } from './flv/play-request';
import { HlsDoor } from './hls-door';
import { RequestTurns } from './request-turns';
import { UnfinishedAnswers } from './unfinished-answers';

const VARIABLES = { port: 'HTTP_PORT', bindAddress: 'HTTP_BIND_ADDRESS' };

/** How many ports after the wanted one listenOrNext tries. */
const FURTHER_PORTS = 20;

/** Clients are few and their requests short: a client beyond these limits is a fault or an attack. */
const LIMITS = {
  headersMs: 5_000,
  requestMs: 10_000,
  keepAliveMs: 5_000,
  /** Longest time without a byte sent or received, also for a client that does not read its answer. */
  idleMs: 30_000,
  checkMs: 1_000,
  headerBytes: 8 * 1024,
  connections: 256,
  closeMs: 1_000,
} as const;

export interface Readiness {
  readonly ready: boolean;
  /** Why not; part of the answer. */
  readonly reason?: string;
}

/** The answer until clients are served. */
export const STARTING: Readiness = { ready: false, reason: 'starting' };

export interface HttpServerOptions {
  /** Whether new sessions are welcome: false before the listeners are up and while draining. */
  ready(): Readiness;
  streams(): readonly StreamReport[] | Promise<readonly StreamReport[]>;
  /** Answers below /api/v1. */
  readonly api?: Pick<ApiServer, 'answer'>;
  readonly metrics: { readonly contentType: string; scrape(): Promise<string> };
  readonly log: Logger;
  /** Connections may begin with a PROXY protocol header: load balancers put one before their health checks too. */
  readonly skipProxyHeaders?: boolean;
  /** Peers whose PROXY header says who the client is. Default: none. */
  readonly trustedProxies?: Pick<AddressRules, 'allows'>;
  /** Addresses whose requests are not limited. Default: none. */
  readonly unlimited?: Pick<AddressRules, 'allows'>;
  /** Default: the machine's. */
  readonly now?: MonotonicClock;
  /** Host names that may read more than health, in addition to IP addresses and names without a dot. */
  readonly allowedHosts?: readonly string[];
  /** Absent: this port plays no streams. */
  readonly player?: StreamPlayer | undefined;
  /** Absent: streams are not packaged for browsers here. */
  readonly hls?: HlsDoor | undefined;
}

/** Plays streams to clients of this port. */
export interface StreamPlayer {
  /** Takes the client's connection over. */
  play(request: PlayRequest, socket: Socket): void;
}

interface HandOver {
  /** What followed the request of a WebSocket client. */
  readonly head?: Buffer;
  /** The channel that an operator watches. */
  readonly watched?: string;
}

/** A request that Node could not parse as HTTP. */
interface UnreadableRequest extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer;
}

/** Statuses other than 400, by Node's error codes. */
const STATUS_OF_FAULT: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** What else is here: the console, the operators' API, and streams. */
const OTHER_PAGES = ['/', '/api/v1', '/live/CHANNEL/KEY.flv'];

/** Answered under any host name: load balancers send various names, and these pages reveal nothing. */
const HEALTH_PAGES: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** The pages that play a channel, and the name of the one file behind them. */
const WATCH_PATH = '/watch/';
const WATCH_PAGE = '/watch';

/** What requests cost, in units of about 0.1 ms (see RequestTurns): pages that are made for each request, and streams. */
const PRICES: Readonly<Record<string, number>> = { '/metrics': 20, '/api/streams': 20 };
const PRICE = 1;
const API_PRICE = 2;
const STREAM_PRICE = 5;
/** In addition, so that an address guesses ten keys a second at most. */
const WRONG_KEY_PRICE = 20;
const NOBODY = { allows: () => false };

const BAD_HOST = 'this host name is not allowed: add it to HTTP_ALLOWED_HOSTS, or use the IP address';

/**
 * The port an operator, a load balancer and Prometheus look at: the console at `/`, `/healthz`, `/readyz`, `/metrics`,
 * `/api/streams`, and the operators' API below `/api/v1`.
 */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #faults: FaultRateLimit;
  readonly #hosts: AllowedHosts;
  readonly #connections: ConnectionCap;
  readonly #turns: RequestTurns;
  readonly #console = new ConsolePages();
  /** Connections that have not shown yet whether they begin with a PROXY protocol header. */
  readonly #unread = new Set<Socket>();
  /** Connections that began with a PROXY protocol header. */
  readonly #proxied = new WeakSet<Socket>();
  /** The clients of trusted load balancers. */
  readonly #clients = new WeakMap<Socket, string>();
  /** Connections that the player has taken over. */
  readonly #handedOver = new WeakSet<Socket>();
  readonly #unfinished = new UnfinishedAnswers();
  /** Connections whose client asked for another protocol, and is answered in HTTP. */
  readonly #upgrades = new Set<Socket>();
  readonly #pages: ReadonlyMap<string, () => Answer | Promise<Answer>>;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#connections = new ConnectionCap(LIMITS.connections + (options.hls?.maxAnswers ?? 0));
    const { unlimited = NOBODY, now = monotonicNow } = options;
    this.#turns = new RequestTurns({ exempt: unlimited, now });
    this.#faults = new FaultRateLimit(options.log);
    this.#hosts = new AllowedHosts(options.allowedHosts ?? []);
    this.#pages = new Map<string, () => Answer | Promise<Answer>>([
      ['/healthz', () => text(200, 'ok')],
      ['/readyz', () => this.#readiness()],
      ['/metrics', () => this.#metrics()],
      ['/api/streams', () => this.#streams()],
    ]);
    this.#server = createServer(
      {
        headersTimeout: LIMITS.headersMs,
        requestTimeout: LIMITS.requestMs,
        keepAliveTimeout: LIMITS.keepAliveMs,
        connectionsCheckingInterval: LIMITS.checkMs,
        maxHeaderSize: LIMITS.headerBytes,
        // Node's own refusal of such requests would pass by the limits.
        requireHostHeader: false,
      },
      (request, response) => this.#request(request, response),
    );
    // Likewise.
    this.#server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
      this.#request(request, response, 417),
    );
    this.#server.setTimeout(LIMITS.idleMs);
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
    this.#server.on('clientError', (error: UnreadableRequest, socket: Socket) => this.#unreadable(error, socket));
    if (options.skipProxyHeaders === true) this.#skipProxyHeaders();
    this.#server.prependListener('connection', (socket: Socket) => this.#arrived(socket));
  }

  /**
   * Resolves to the port, which differs from `port` only when that is 0.
   *
   * @throws OperatorError when the port is taken or may not be used
   */
  async listen(port: number, bindAddress: string): Promise<number> {
    return this.listenOrNext(port, bindAddress, 0);
  }

  /** Like `listen`, but tries the next ports if one is taken. The error names the last port tried. */
  async listenOrNext(port: number, bindAddress: string, furtherPorts = FURTHER_PORTS): Promise<number> {
    const last = Math.min(port + furtherPorts, 65_535);
    for (let candidate = port; ; candidate += 1) {
      try {
        return await this.#listen(candidate, bindAddress);
      } catch (cause) {
        if (isTaken(cause) && candidate < last) continue;
        const message = `HTTP cannot listen on ${bindAddress} port ${candidate}: ${describeListenError(cause, VARIABLES)}`;
        throw new OperatorError(message, { cause });
      }
    }
  }

  /** Stops listening and ends every connection: idle ones at once, the others within a second. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    for (const socket of this.#unread) socket.destroy();
    const deadline = setTimeout(() => {
      this.#server.closeAllConnections();
      for (const socket of this.#upgrades) socket.destroy();
    }, LIMITS.closeMs);
    await closed;
    clearTimeout(deadline);
    this.#turns.close();
    this.#faults.close();
  }

  /** Runs before the server's own connection listeners, so that all its limits still apply. */
  #skipProxyHeaders(): void {
    const takers = this.#server.listeners('connection');
    this.#server.removeAllListeners('connection');
    this.#server.on('connection', (socket: Socket) => {
      this.#unread.add(socket);
      socket.once('close', () => this.#unread.delete(socket));
      skipProxyHeader(socket, LIMITS.headersMs, (header) => {
        this.#unread.delete(socket);
        if (header !== undefined) this.#proxied.add(socket);
        this.#noteClient(socket, header);
        if (this.#isSpent(socket)) return;
        for (const take of takers) take.call(this.#server, socket);
      });
    });
  }

  /** A connection is counted before anything is read from it. */
  #arrived(socket: Socket): void {
    // Whose it is, a load balancer has yet to say.
    if (this.#isTrustedProxy(socket) || !this.#isSpent(socket)) this.#connections.add(socket);
  }

  /** Closes the connection of a client that has cost too much already; false for any other. */
  #isSpent(socket: Socket): boolean {
    const isSpent = this.#turns.isSpent(this.#addressOf(socket));
    if (isSpent) socket.destroy();
    return isSpent;
  }

  /** @param fault the status of a request that is refused, whatever it asks for */
  #request(request: IncomingMessage, response: ServerResponse, fault = faultOf(request)): void {
    this.#unfinished.add(request.socket, response);
    this.#whenItsTurn(request, () => this.#answer(request, response, fault));
  }

  /** Whatever `run` throws, now or when its turn comes, ends the client's connection and nothing else. */
  #whenItsTurn(request: IncomingMessage, run: () => Promise<void>): void {
    const { socket } = request;
    const path = pathOf(request);
    const special = Object.hasOwn(PRICES, path) ? PRICES[path]! : PRICE;
    const price = this.#asksForStream(request) ? STREAM_PRICE : isBelow(API_PATH, path) ? API_PRICE : special;
    this.#turns.take(socket, this.#addressOf(socket), price, () => {
      run().catch((error: unknown) => {
        this.#faults.report('error', 'request', 'HTTP request failed', { path, error: String(error) });
        socket.destroy();
      });
    });
  }

  #listen(port: number, bindAddress: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => reject(error);
      this.#server.once('error', failed);
      this.#server.listen({ port, host: bindAddress }, () => {
        this.#server.off('error', failed);
        // Such as no file descriptor left for a connection: may occur many times a second, and passes.
        this.#server.on('error', ({ message }) => this.#faults.report('warning', message, 'HTTP', { error: message }));
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse, fault?: number): Promise<void> {
    let answer: Answer;
    const { socket } = request;
    if (fault === undefined && this.#asksForStream(request)) {
      // Not after a request whose answer is not finished: a player's connection carries its stream alone.
      if (response.socket === null || this.#handedOver.has(socket)) socket.destroy();
      else this.#handOver(request, socket);
      return;
    }
    // Thousands of requests in one write would delay every stream.
    if (this.#handedOver.has(socket) || !this.#connections.beginAnswer(socket, request)) {
      socket.destroy();
      return;
    }
    response.once('close', () => this.#connections.endAnswer(socket, request));
    if (fault !== undefined) {
      response.writeHead(fault, { connection: 'close', 'content-length': 0 }).end();
      return;
    }
    const { api } = this.#options;
    if (api !== undefined && isBelow(API_PATH, request.url ?? '')) {
      await api.answer({
        request,
        response,
        client: { address: this.#addressOf(socket), isDirect: !this.#proxied.has(socket) },
        hostIsAllowed: this.#hosts.allows(request.headers.host),
        ...(this.#options.player !== undefined && {
          watch: (channel: string) => this.#handOver(request, socket, { watched: channel }),
        }),
      });
      return;
    }
    const { hls } = this.#options;
    if (hls !== undefined && HlsDoor.owns(pathOf(request)) && this.#hosts.allows(request.headers.host)) {
      const address = this.#addressOf(socket);
      const wrongKey = (): void => this.#turns.charge(address, WRONG_KEY_PRICE);
      await hls.answer({ request, response, address, wrongKey });
      return;
    }
    try {
      if (this.#showsConsole(request, response)) return;
      answer = await this.#route(request, response);
    } catch (error) {
      this.#faults.report('error', 'request', 'HTTP request failed', { path: request.url, error: String(error) });
      answer = json(500, { error: 'internal error' });
    }
    const body = Buffer.from(answer.body, 'utf8');
    response.writeHead(answer.status, {
      'content-type': answer.contentType,
      'content-length': body.length,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  #showsConsole(request: IncomingMessage, response: ServerResponse): boolean {
    const asked = pathOf(request);
    // One page for all channels, where streams are packaged.
    const path = this.#options.hls !== undefined && asked.startsWith(WATCH_PATH) ? WATCH_PAGE : asked;
    if (!ConsolePages.owns(path) || !this.#hosts.allows(request.headers.host)) return false;
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    return isRead && this.#console.answer(path, request, response);
  }

  /** Requests of WebSocket clients, and of those that would like another protocol but are content with HTTP. */
  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    outlivesErrors(socket);
    // Node has stopped reading the connection: what it answers now, an earlier answer would get in the way of.
    if (this.#unfinished.isAnswering(socket)) socket.destroy();
    else this.#whenItsTurn(request, () => this.#upgradeNow(request, socket, head));
  }

  async #upgradeNow(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    if (this.#asksForStream(request) && request.headers.upgrade?.toLowerCase() === 'websocket') {
      this.#handOver(request, socket, { head });
      return;
    }
    this.#upgrades.add(socket);
    socket.once('close', () => this.#upgrades.delete(socket));
    socket.setTimeout(LIMITS.idleMs, () => socket.destroy());
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.destroySoon());
    await this.#answer(request, response, faultOf(request));
  }

  #asksForStream(request: IncomingMessage): boolean {
    if (this.#options.player === undefined || !isStreamPath(pathOf(request))) return false;
    return this.#hosts.allows(request.headers.host);
  }

  #handOver(request: IncomingMessage, socket: Socket, { head, watched }: HandOver = {}): void {
    const address = this.#addressOf(socket);
    this.#connections.handOver(socket);
    this.#handedOver.add(socket);
    const asked = playRequest(request, address, head);
    this.#options.player?.play(watched === undefined ? asked : { ...asked, watched }, socket);
  }

  /** The client's address, as a trusted load balancer names it. */
  #addressOf(socket: Socket): string {
    return this.#clients.get(socket) ?? normalizeAddress(socket.remoteAddress ?? '');
  }

  #noteClient(socket: Socket, header: ProxyHeader | undefined): void {
    if (header?.command !== 'proxy' || header.source === undefined || !this.#isTrustedProxy(socket)) return;
    this.#clients.set(socket, header.source.address);
    this.#connections.belongsTo(socket, header.source.address);
  }

  #isTrustedProxy({ remoteAddress }: Socket): boolean {
    if (remoteAddress === undefined) return false;
    return this.#options.trustedProxies?.allows(normalizeAddress(remoteAddress)) === true;
  }

  #route(request: IncomingMessage, response: ServerResponse): Answer | Promise<Answer> {
    const path = pathOf(request);
    const page = this.#pages.get(path);
    if (!HEALTH_PAGES.has(path) && !this.#hosts.allows(request.headers.host)) return json(403, { error: BAD_HOST });
    if (page === undefined) return json(404, { error: 'not found', pages: [...OTHER_PAGES, ...this.#pages.keys()] });
    if (request.method === 'GET' || request.method === 'HEAD') return page();
    response.setHeader('allow', 'GET, HEAD');
    return json(405, { error: 'method not allowed' });
  }

  /** Answers as Node does by default, and logs a line when the request was another protocol. */
  #unreadable({ code, rawPacket }: UnreadableRequest, socket: Socket): void {
    const spoken = rawPacket && protocolOf(rawPacket);
    if (spoken !== undefined && spoken !== 'HTTP') {
      const fields = { ip: socket.remoteAddress, reason: `this is ${spoken}, not HTTP` };
      this.#faults.report('warning', `unreadable ${spoken}`, 'HTTP request refused', fields);
    }
    // A connection that has got a part of an answer must not get another answer.
    if (socket.writable && socket.bytesWritten === 0) {
      const status = STATUS_OF_FAULT[code ?? ''] ?? '400 Bad Request';
      socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
    }
    socket.destroySoon();
  }

  #readiness(): Answer {
    const { ready, reason } = this.#options.ready();
    return ready ? text(200, 'ready') : text(503, reason === undefined ? 'not ready' : `not ready: ${reason}`);
  }

  async #metrics(): Promise<Answer> {
    const { contentType } = this.#options.metrics;
    return { status: 200, contentType, body: await this.#options.metrics.scrape() };
  }

  async #streams(): Promise<Answer> {
    return json(200, await this.#options.streams());
  }
}

/** HTTP/1.1 has a Host in each request (RFC 9112, 3.2). */
function faultOf({ httpVersion, headers }: IncomingMessage): number | undefined {
  return httpVersion === '1.1' && headers.host === undefined ? 400 : undefined;
}

function isBelow(path: string, url: string): boolean {
  return url === path || url.startsWith(`${path}/`) || url.startsWith(`${path}?`);
}

function pathOf({ url }: IncomingMessage): string {
  return (url ?? '/').replace(/[?#].*$/s, '');
}

function text(status: number, line: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: line };
}

function json(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` };
}

function isTaken(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EADDRINUSE';
}
