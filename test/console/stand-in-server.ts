import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConsolePages } from '../../service/http/console-pages';
import type { Event } from '../../service/http/api/schemas/event';
import type { OrderResult } from '../../service/http/api/schemas/order';
import type { Problem, ProblemCode } from '../../service/http/api/schemas/problem';
import type { StandInFleet } from './stand-in-fleet';

export interface StandInOptions {
  readonly fleet: StandInFleet;
  /** FLV of a keyframe, the same for every stream. */
  readonly keyframe?: string;
  /** Milliseconds between figures. */
  readonly figuresMs?: number;
  /** False: only who has signed in may read. */
  readonly isOpen?: boolean;
}

export const STAND_IN_TOKEN = 'operator-token-of-the-stand-in';

/** The console with an API that answers from a `StandInFleet`: any number of streams, without any node. */
export class StandInServer {
  readonly #options: StandInOptions;
  readonly #pages = new ConsolePages();
  readonly #server: Server;
  readonly #feeds = new Set<ServerResponse>();
  readonly #figures: ReturnType<typeof setInterval>;
  /** Orders that were given, as `POST` paths. */
  readonly orders: string[] = [];
  /** Their bodies. */
  readonly bodies: unknown[] = [];

  private constructor(options: StandInOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#figures = setInterval(() => this.sendFigures(), options.figuresMs ?? 1_000);
  }

  static async start(options: StandInOptions): Promise<StandInServer> {
    const server = new StandInServer(options);
    await new Promise<void>((listening) => server.#server.listen(0, '127.0.0.1', listening));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  send(event: Event): void {
    for (const feed of this.#feeds)
      feed.write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  sendFigures(): void {
    const text = `event: figures\ndata: ${JSON.stringify(this.#options.fleet.figures())}\n\n`;
    for (const feed of this.#feeds) feed.write(text);
  }

  /** Breaks the connections of all feeds. */
  dropFeeds(): void {
    for (const feed of this.#feeds) feed.destroy();
  }

  async stop(): Promise<void> {
    clearInterval(this.#figures);
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://stand-in');
    if (this.#pages.answer(url.pathname, request, response)) return;
    const parts = url.pathname
      .replace(/^\/api\/v1\//, '')
      .split('/')
      .map(decodeURIComponent);
    const isSignedIn = request.headers.cookie?.includes(`token=${STAND_IN_TOKEN}`) === true;
    const mayRead = isSignedIn || this.#options.isOpen !== false;
    const body = await bodyOf(request);
    const [first = '', channel = '', last] = parts;
    if (first === 'access') {
      const sentence = isSignedIn ? '' : 'Sign in with the operator token.';
      json(response, 200, { mayRead, mayOrder: isSignedIn, tokenIsSet: true, sentence });
    } else if (first === 'login') this.#signIn(body, response);
    else if (first === 'logout') response.writeHead(204, { 'set-cookie': 'token=; Max-Age=0; Path=/' }).end();
    else if (!mayRead) problem(response, 401, 'tokenNeeded', 'Sign in with the operator token.');
    else if (request.method === 'POST') this.#order(parts, body, isSignedIn, response);
    else if (first === 'events') this.#feed(response);
    else this.#read(first, channel, last, url, response);
  }

  #read(first: string, channel: string, last: string | undefined, url: URL, response: ServerResponse): void {
    const { fleet, keyframe } = this.#options;
    if (first === 'nodes') json(response, 200, fleet.nodeList());
    else if (first === 'refusals') json(response, 200, fleet.refusalList());
    else if (first !== 'streams') problem(response, 404, 'notFound', 'There is no such page.');
    else if (channel === '') {
      const limit = Number(url.searchParams.get('limit') ?? 100);
      json(response, 200, fleet.page(url.searchParams.get('history') === 'true', limit));
    } else if (last === 'explain') json(response, 200, fleet.explain(channel));
    else if (last === 'keyframe' && keyframe !== undefined && (fleet.streams.get(channel)?.video ?? null) !== null) {
      response.writeHead(200, { 'content-type': 'video/x-flv' }).end(readFileSync(keyframe));
    } else {
      const detail = last === undefined ? fleet.detail(channel) : undefined;
      if (detail === undefined) problem(response, 404, 'noStream', `${channel} is not live.`);
      else json(response, 200, detail);
    }
  }

  #feed(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': open\n\n');
    this.#feeds.add(response);
    response.on('close', () => this.#feeds.delete(response));
  }

  #signIn(body: string, response: ServerResponse): void {
    if ((JSON.parse(body) as { token: string }).token !== STAND_IN_TOKEN) {
      problem(response, 401, 'tokenWrong', 'The token is wrong.');
      return;
    }
    response.writeHead(204, { 'set-cookie': `token=${STAND_IN_TOKEN}; HttpOnly; SameSite=Strict; Path=/` }).end();
  }

  #order(parts: readonly string[], body: string, isSignedIn: boolean, response: ServerResponse): void {
    if (!isSignedIn) {
      problem(response, 401, 'tokenNeeded', 'Sign in with the operator token.');
      return;
    }
    const [kind = '', target = '', verb = ''] = parts;
    this.orders.push(parts.join('/'));
    this.bodies.push(body === '' ? {} : JSON.parse(body));
    const { fleet } = this.#options;
    const stream = fleet.streams.get(target);
    const result: OrderResult = {
      order: verb as OrderResult['order'],
      target,
      done: kind === 'nodes' || stream !== undefined,
      sentence: stream === undefined ? `${target}: no stream was live.` : `${target} was ended.`,
      nodes: [{ node: fleet.nodes[0]!.id, acted: true, detail: 'ended the stream' }],
      unanswered: [],
    };
    if (stream !== undefined && (verb === 'end' || verb === 'close' || verb === 'block')) {
      fleet.streams.delete(target);
      const { channel, streamId } = stream;
      this.send(
        fleet.note({
          type: 'stream.ended',
          channel,
          streamId,
          code: 'operator',
          reason: 'By an operator.',
          seconds: 60,
        }),
      );
    }
    json(response, 200, result);
  }
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));
}

function problem(response: ServerResponse, status: number, code: ProblemCode, detail: string): void {
  const value: Problem = { type: 'about:blank', title: String(status), status, detail, code };
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(value));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
