import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { secrets } from '../leaks/watched-logs';
import type { TestCa } from './test-ca';

/** A request as the handler got it. */
export interface CallbackRequest {
  readonly method: string;
  /** Path and query, as requested. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The token's claims, not verified. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Counts the connections from 1, to tell a kept-alive one. */
  readonly connection: number;
}

/** What the handler does. Default: 200 at once with an empty body and no headers of its own. */
export interface CallbackAnswerScript {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly delayMs?: number;
  /** Ends the connection without an answer. */
  readonly hangUp?: boolean;
  readonly neverAnswer?: boolean;
  /** Sent instead of an HTTP answer; the connection stays open. */
  readonly raw?: string;
}

export type CallbackScript = (request: CallbackRequest) => CallbackAnswerScript;

export interface CallbackServer {
  /** With a path and a query, to see that both are kept. */
  readonly url: URL;
  readonly requests: readonly CallbackRequest[];
  /** Answers for the next requests, one each; after them the default answer. */
  answerNext(...answers: CallbackAnswerScript[]): void;
  /** Decides the answers for which `answerNext` gives none; replaces the default answer. */
  answerWith(script: CallbackScript): void;
  /** Resolves with the request of that number (from 1) as soon as it has come. */
  request(number: number): Promise<CallbackRequest>;
  /** Ends all connections and refuses new ones, until `start`. */
  stop(): Promise<void>;
  /** Listens again on the same port. */
  start(): Promise<void>;
}

/** Starts a callback handler on a free port of 127.0.0.1, over HTTPS when given a CA. */
export async function startCallbackServer(ca?: TestCa): Promise<CallbackServer> {
  const requests: CallbackRequest[] = [];
  const answers: CallbackAnswerScript[] = [];
  const waiting = new Set<() => void>();
  const sockets = new Map<Socket, number>();
  const timers = new Set<NodeJS.Timeout>();
  let connections = 0;
  let script: CallbackScript = () => ({});

  const handle = (message: IncomingMessage, response: ServerResponse): void => {
    let body = '';
    message.setEncoding('utf8');
    message.on('data', (text: string) => (body += text));
    message.on('error', () => undefined);
    message.on('end', () => {
      const connection = sockets.get(message.socket) ?? 0;
      const request = describeRequest(message, body, connection);
      requests.push(request);
      const answer = answers.shift() ?? script(request);
      const timer = setTimeout(() => {
        timers.delete(timer);
        give(answer, message, response);
      }, answer.delayMs ?? 0);
      timers.add(timer);
      waiting.forEach((check) => check());
    });
  };
  const server = ca ? createSecureServer({ cert: ca.cert, key: ca.key }, handle) : createServer(handle);
  server.on(ca ? 'secureConnection' : 'connection', (socket: Socket) => {
    connections += 1;
    sockets.set(socket, connections);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;

  return {
    url: new URL(`${ca ? 'https' : 'http'}://127.0.0.1:${port}/hooks/rtmp?site=1`),
    requests,
    answerNext: (...next) => void answers.push(...next),
    answerWith: (next) => void (script = next),
    request: (number) =>
      new Promise((resolve) => {
        const check = (): void => {
          const request = requests[number - 1];
          if (request) {
            waiting.delete(check);
            resolve(request);
          }
        };
        waiting.add(check);
        check();
      }),
    stop: () =>
      new Promise((resolve) => {
        timers.forEach((timer) => clearTimeout(timer));
        timers.clear();
        server.close(() => resolve());
        sockets.forEach((_, socket) => socket.destroy());
      }),
    start: () => listen(port),
  };
}

function describeRequest(message: IncomingMessage, body: string, connection: number): CallbackRequest {
  const { method = '', url = '', headers } = message;
  const payload = String(headers['rtmp-event'] ?? '').split('.')[1];
  const claims = payload ? (JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>) : {};
  return { method, url, headers, body, claims, connection };
}

function give(answer: CallbackAnswerScript, message: IncomingMessage, response: ServerResponse): void {
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    if (name.toLowerCase() === 'play-key') secrets.addKey(value);
    if (name.toLowerCase() === 'forward') secrets.addKeysOfUrls(value);
  }
  if (answer.hangUp) {
    message.socket.destroy();
  } else if (answer.raw !== undefined) {
    message.socket.write(answer.raw);
  } else if (!answer.neverAnswer) {
    response.writeHead(answer.status ?? 200, answer.headers);
    response.end(answer.body);
  }
}
