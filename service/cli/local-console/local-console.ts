import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { z } from 'zod';
import { messageOf } from '../../errors/error-text';
import type { Access } from '../../http/api/schemas/access';
import { BlockOrder, CloseOrder } from '../../http/api/schemas/order';
import { ForwardOrder, type OutputOrder, RecordOrder, RemoveOutputOrder } from '../../http/api/schemas/output-order';
import type { Problem, ProblemCode } from '../../http/api/schemas/problem';
import type { ReadAnswer } from '../../operators/read-request';
import type { FleetOrder, FleetSource } from '../sources/fleet-source';

const API = '/api/v1';
const MAX_BODY_BYTES = 16 * 1024;
/** A line that keeps a quiet event stream open (ms). */
const HEARTBEAT_MS = 15_000;

/** The console's own files. */
export interface Pages {
  /** Answers a GET or HEAD of a page; false when there is no such page. */
  answer(path: string, request: IncomingMessage, response: ServerResponse): boolean;
}

/** A request that is refused, with the API's code of the problem. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: ProblemCode,
    message: string,
  ) {
    super(message);
  }
}

/**
 * The console on the operator's own machine: the same page and the same API as on a node, with any source behind it. It
 * listens on 127.0.0.1 only, and refuses requests of other sites' pages: whoever can ask it can do what the operator
 * can. Tokens and credentials stay in this process.
 */
export class LocalConsole {
  readonly #source: FleetSource;
  readonly #pages: Pages;
  readonly #server: Server;
  readonly #ended = new AbortController();

  constructor(source: FleetSource, pages: Pages) {
    this.#source = source;
    this.#pages = pages;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** @returns the address for the browser. Rejects when the port is taken. */
  listen(port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => {
        resolve(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`);
      });
    });
  }

  async close(): Promise<void> {
    this.#ended.abort();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      this.#refuseStrangers(request);
      await this.#route(request, response, new URL(request.url ?? '/', 'http://127.0.0.1'));
    } catch (error) {
      if (response.headersSent) response.destroy();
      else sendProblem(response, error);
    }
  }

  /** A page of another site may reach this port through the browser, by name (DNS rebinding) or by address. */
  #refuseStrangers({ headers }: IncomingMessage): void {
    const { port } = this.#server.address() as AddressInfo;
    const own = [`127.0.0.1:${port}`, `localhost:${port}`];
    if (!own.includes(headers.host ?? '')) {
      throw new Refusal(403, 'hostNotAllowed', `Open the console at http://${own[0]}/.`);
    }
    const site = headers['sec-fetch-site'];
    const isForeign =
      (site !== undefined && site !== 'same-origin' && site !== 'none') ||
      (headers.origin !== undefined && headers.origin !== `http://${headers.host}`);
    if (isForeign) throw new Refusal(403, 'crossOrigin', 'Pages of other sites may not use the console.');
  }

  async #route(
    request: IncomingMessage,
    response: ServerResponse,
    { pathname, search, searchParams }: URL,
  ): Promise<void> {
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (method === 'GET' && this.#pages.answer(pathname, request, response)) return;
    if (!pathname.startsWith(`${API}/`)) throw new Refusal(404, 'notFound', 'There is no such page.');
    const path = pathname.slice(API.length);
    if (path === '/access' || path === '/login' || path === '/logout') {
      send(response, jsonAnswer(this.#access()));
    } else if (method === 'POST') {
      if (this.#source.readOnly !== undefined) throw new Refusal(403, 'tokenNotSet', this.#access().sentence);
      send(response, await this.#source.order(await readOrder(path, request)));
    } else if (method !== 'GET') {
      throw new Refusal(405, 'methodNotAllowed', 'Use GET or POST.');
    } else if (path.endsWith('/live.flv')) {
      await this.#watch(path, response);
    } else if (path === '/events' && request.headers.accept?.includes('application/json') !== true) {
      await this.#follow(request, response, searchParams);
    } else {
      send(response, await this.#source.read(`${path}${search}`));
    }
  }

  #access(): Access {
    const { readOnly } = this.#source;
    const mayOrder = readOnly === undefined;
    const sentence = mayOrder
      ? ''
      : `To give orders, start the console again with the server's OPERATOR_TOKEN: ${readOnly}.`;
    return { mayRead: true, mayOrder, tokenIsSet: mayOrder, sentence };
  }

  /** A preview, as long as the page wants it. */
  async #watch(path: string, response: ServerResponse): Promise<void> {
    const { watch } = this.#source;
    if (watch === undefined) {
      throw new Refusal(404, 'notFound', 'A preview needs a console with --node: Redis and AWS carry no video.');
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const { status, contentType, body } = await watch.call(this.#source, path, gone.signal);
    response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
    await pipeline(body, response);
  }

  async #follow(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.#ended.signal]);
    const lastId = request.headers['last-event-id'];
    const wanted = {
      channel: query.get('channel') ?? undefined,
      figures: query.get('figures') === 'true',
      lastId: typeof lastId === 'string' ? lastId : undefined,
    };
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' });
    response.write('retry: 2000\n\n');
    const heartbeat = setInterval(() => response.write(':\n\n'), HEARTBEAT_MS);
    try {
      for await (const { name, id, data } of this.#source.follow(wanted, signal)) {
        response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${data}\n\n`);
      }
    } finally {
      clearInterval(heartbeat);
      response.end();
    }
  }
}

/** The order that a POST means. */
async function readOrder(path: string, request: IncomingMessage): Promise<FleetOrder> {
  const [, drained] = /^\/nodes\/([^/]+)\/drain$/.exec(path) ?? [];
  if (drained !== undefined) return { order: 'drain', node: decodeURIComponent(drained) };
  const [, name = '', order = ''] = /^\/streams\/([^/]+)\/([a-z-]+)$/.exec(path) ?? [];
  const channel = decodeURIComponent(name);
  const body = await readJson(request);
  if (order === 'end' || order === 'unblock') return { order, channel };
  const close = CloseOrder.safeParse(body);
  if (order === 'close' && close.success) return { order, channel, streamId: close.data.streamId };
  const block = BlockOrder.safeParse(body);
  if (order === 'block' && block.success) return { order, channel, seconds: block.data.seconds };
  const wants = readOutputOrder(order, body);
  if (wants !== undefined) return { order: 'output', channel, wants };
  if (order !== 'close' && order !== 'block') throw new Refusal(404, 'notFound', 'There is no such order.');
  throw new Refusal(400, 'badRequest', `The body does not fit the order ${order}.`);
}

/** An order about outputs; undefined when it is another one. */
function readOutputOrder(order: string, body: unknown): OutputOrder | undefined {
  switch (order) {
    case 'forward':
      return { does: 'addForward', url: readBody(ForwardOrder, body).url };
    case 'record': {
      const { formats } = readBody(RecordOrder, body);
      return { does: 'startRecording', ...(formats !== undefined && { formats }) };
    }
    case 'stop-recording':
      return { does: 'stopRecording' };
    case 'remove-output':
      return { does: 'remove', id: readBody(RemoveOutputOrder, body).output };
    default:
      return undefined;
  }
}

function readBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const { data, error } = schema.safeParse(body);
  if (data !== undefined) return data;
  throw new Refusal(400, 'badRequest', `In the body: ${error?.issues[0]?.message ?? 'not allowed'}.`);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new Refusal(413, 'tooLarge', 'The body is too long.');
    parts.push(part);
  }
  try {
    return bytes === 0 ? {} : JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new Refusal(400, 'badRequest', 'The body is not JSON.');
  }
}

function sendProblem(response: ServerResponse, error: unknown): void {
  const [status, code] = error instanceof Refusal ? [error.status, error.code] : [502, 'nodeUnreachable' as const];
  const problem: Problem = { type: 'about:blank', title: 'Refused', status, detail: messageOf(error), code };
  send(response, { ...jsonAnswer(problem), status, contentType: 'application/problem+json; charset=utf-8' });
}

function jsonAnswer(value: object): ReadAnswer {
  return { status: 200, contentType: 'application/json; charset=utf-8', body: Buffer.from(JSON.stringify(value)) };
}

function send(response: ServerResponse, { status, contentType, body }: ReadAnswer): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
