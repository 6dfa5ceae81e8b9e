import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../../logging/logger';
import { FaultRateLimit } from '../../logging/rate-limit';
import type { AccessRules, ApiClient } from './access-rules';
import type { Api } from './api';
import { pathPattern, readParameters, readValue } from './call-arguments';
import type { EventFeed } from './event-feed';
import { answerNode } from './node-questions';
import { NODE_PATH } from './node-calls';
import { ApiProblem } from './problems';
import { readJson } from './request-body';
import type { EventQuery } from './schemas/figures';
import type { BlockOrder, CloseOrder } from './schemas/order';
import type { ForwardOrder, RecordOrder, RemoveOutputOrder } from './schemas/output-order';
import type { Login } from './schemas/access';
import { openApiDocument } from './schemas/openapi';
import { type Operation, type OperationName, OPERATIONS } from './schemas/operations';
import type { StreamQuery } from './schemas/stream-query';

/** Everything of the API is below this path. */
export const API_PATH = '/api/v1';
const DOCUMENT_PATH = `${API_PATH}/openapi.json`;

export interface ApiServerOptions {
  readonly api: Api;
  readonly feed: EventFeed;
  readonly access: AccessRules;
  readonly log: Logger;
}

export interface ApiRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly client: ApiClient;
  /** Whether the Host header is allowed. */
  readonly hostIsAllowed: boolean;
  /** Takes the connection over and sends the stream of a channel on it; undefined: this port plays no streams. */
  readonly watch?: (channel: string) => void;
}

/** What an operation works with. */
interface Call extends ApiRequest {
  readonly channel: string;
  readonly node: string;
  readonly query: unknown;
  readonly body: unknown;
}

/** undefined: the operation has answered, or will. */
type Reply = { readonly json: unknown } | { readonly bytes: Buffer } | undefined;

interface Route {
  readonly operation: Operation;
  readonly path: RegExp;
  readonly run: (call: Call) => Promise<Reply> | Reply;
}

/** The operators' API over HTTP. */
export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #routes: readonly Route[];
  readonly #faults: FaultRateLimit;
  #document: string | undefined;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#faults = new FaultRateLimit(options.log);
    this.#routes = this.#makeRoutes();
  }

  /** Answers a request below API_PATH. Never rejects. */
  async answer(call: ApiRequest): Promise<void> {
    const { request, response } = call;
    try {
      await this.#answer(call, new URL(request.url ?? '/', 'http://host'));
    } catch (error) {
      sendProblem(request, response, this.#problemOf(error, request));
    }
  }

  close(): void {
    this.#options.feed.close();
    this.#faults.close();
  }

  async #answer(call: ApiRequest, url: URL): Promise<void> {
    const { request, response, hostIsAllowed } = call;
    // Nodes prove themselves, and may call each other by any name.
    if (url.pathname === NODE_PATH) {
      sendJson(request, response, await answerNode(this.#options.api.fleet.machine, request));
      return;
    }
    if (!hostIsAllowed) {
      const detail = 'This host name is not allowed: add it to HTTP_ALLOWED_HOSTS, or use the IP address.';
      throw new ApiProblem('hostNotAllowed', detail);
    }
    if (url.pathname === DOCUMENT_PATH) {
      this.#document ??= JSON.stringify(openApiDocument());
      sendText(request, response, 200, 'application/json; charset=utf-8', this.#document);
      return;
    }
    const { route, parameters } = this.#find(request, url.pathname);
    const { access, query, body } = route.operation;
    if (access !== 'open') this.#options.access.check(request, access, call.client);
    const reply = await route.run({
      ...call,
      ...readParameters(parameters),
      query: query && readValue(query, Object.fromEntries(url.searchParams), 'the query string'),
      body: body && readValue(body, await readJson(request), 'the body'),
    });
    if (reply === undefined) return;
    if ('bytes' in reply) sendBytes(request, response, route.operation.media ?? '', reply.bytes);
    else sendJson(request, response, reply.json);
  }

  #find(request: IncomingMessage, path: string): { route: Route; parameters: Readonly<Record<string, string>> } {
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const here = this.#routes.filter((route) => route.path.test(path));
    const route = here.find(({ operation }) => operation.method === method);
    if (route !== undefined) return { route, parameters: route.path.exec(path)?.groups ?? {} };
    if (here.length === 0) throw new ApiProblem('notFound', `There is no such page; ${DOCUMENT_PATH} lists all.`);
    const allowed = here.map(({ operation }) => operation.method).join(', ');
    throw new ApiProblem('methodNotAllowed', `Use ${allowed} here.`, { allow: allowed });
  }

  #problemOf(error: unknown, request: IncomingMessage): ApiProblem {
    if (error instanceof ApiProblem) return error;
    const fields = { path: request.url, error: String(error) };
    if (!request.complete && error === request.errored) {
      this.#faults.report('debug', 'client left', 'HTTP client left before its request had arrived', fields);
      return new ApiProblem('badRequest', 'The body is not complete.');
    }
    this.#faults.report('error', 'request', 'HTTP request failed', fields);
    return new ApiProblem('internal', 'The server failed to answer; its log says why.');
  }

  #makeRoutes(): readonly Route[] {
    const { api, feed, access } = this.#options;
    const json = async (promise: Promise<unknown>): Promise<Reply> => ({ json: await promise });
    const runs: Readonly<Record<OperationName, Route['run']>> = {
      listStreams: ({ query }) => json(api.streams(query as StreamQuery)),
      getStream: ({ channel }) => json(api.stream(channel)),
      getKeyframe: async ({ channel }) => ({ bytes: await api.keyframe(channel) }),
      watchStream: ({ request, response, channel, watch }) => {
        // Not on a connection that still owes an earlier answer: a stream has it for itself.
        if (watch === undefined || request.method !== 'GET' || response.socket === null) {
          throw new ApiProblem('notFound', 'No streams are played here.');
        }
        watch(channel);
        return undefined;
      },
      explainChannel: ({ channel }) => json(api.explain(channel)),
      listNodes: () => json(api.nodes()),
      listRefusals: () => json(api.refusals()),
      followEvents: async ({ request, response, query, client }) => {
        const wanted = query as EventQuery;
        if (!wantsEventStream(request)) return { json: await api.events(wanted.channel) };
        await feed.add(response, client.address, wanted, lastEventId(request));
        return undefined;
      },
      endStream: ({ channel }) => json(api.end(channel)),
      closeStream: ({ channel, body }) => json(api.close(channel, (body as CloseOrder).streamId)),
      blockChannel: ({ channel, body }) => json(api.block(channel, (body as BlockOrder).seconds)),
      unblockChannel: ({ channel }) => json(api.unblock(channel)),
      forwardStream: ({ channel, body }) =>
        json(api.output(channel, { does: 'addForward', url: (body as ForwardOrder).url })),
      recordStream: ({ channel, body }) => {
        const { formats } = body as RecordOrder;
        return json(api.output(channel, { does: 'startRecording', ...(formats !== undefined && { formats }) }));
      },
      stopRecording: ({ channel }) => json(api.output(channel, { does: 'stopRecording' })),
      removeOutput: ({ channel, body }) =>
        json(api.output(channel, { does: 'remove', id: (body as RemoveOutputOrder).output })),
      drainNode: ({ node }) => json(api.drain(node)),
      getAccess: ({ request, client }) => ({ json: access.access(request, client) }),
      logIn: ({ request, response, body, client }) => {
        response.setHeader('set-cookie', access.logIn(request, (body as Login).token, client));
        return { json: { mayRead: true, mayOrder: true, tokenIsSet: true, sentence: '' } };
      },
      logOut: ({ request, response, client }) => {
        response.setHeader('set-cookie', access.logOut(request));
        delete request.headers.cookie;
        return { json: access.access(request, client) };
      },
    };
    return Object.entries(OPERATIONS).map(([name, operation]) => ({
      operation,
      path: pathPattern(API_PATH, operation),
      run: runs[name as OperationName],
    }));
  }
}

/** Browsers' EventSource asks for nothing else; curl and scripts that ask for everything get the stream, too. */
function wantsEventStream({ headers }: IncomingMessage): boolean {
  const accept = headers.accept ?? '*/*';
  return accept.includes('text/event-stream') || !accept.includes('application/json');
}

function lastEventId({ headers }: IncomingMessage): string | undefined {
  const id = headers['last-event-id'];
  return typeof id === 'string' ? id : undefined;
}

function sendProblem(request: IncomingMessage, response: ServerResponse, { problem, headers }: ApiProblem): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  sendText(request, response, problem.status, 'application/problem+json; charset=utf-8', JSON.stringify(problem));
}

function sendJson(request: IncomingMessage, response: ServerResponse, value: unknown): void {
  sendText(request, response, 200, 'application/json; charset=utf-8', JSON.stringify(value));
}

function sendText(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
): void {
  send(request, response, status, type, Buffer.from(`${text}\n`, 'utf8'));
}

function sendBytes(request: IncomingMessage, response: ServerResponse, type: string, bytes: Buffer): void {
  send(request, response, 200, type, bytes);
}

function send(request: IncomingMessage, response: ServerResponse, status: number, type: string, bytes: Buffer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // A body that nobody reads must not be taken for the next request.
    ...(!request.complete && { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}
