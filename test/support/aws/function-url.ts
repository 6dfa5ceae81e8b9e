import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from 'aws-lambda';
import { signatureFault, type SignedRequest, type SigningIdentity } from './sigv4-check';

export type FunctionUrlHandler = (event: LambdaFunctionURLEvent) => Promise<LambdaFunctionURLResult>;

export interface FunctionUrlOptions {
  /** Checks the signature of every request against it, as AuthType AWS_IAM does; without it everybody may call. */
  readonly iam?: SigningIdentity;
  /** Instead of `iam`, where there are several callers: says why a request is refused, undefined when it is not. */
  readonly authorize?: (request: SignedRequest) => string | undefined;
  /** Listening port; a free one by default. */
  readonly port?: number;
}

/** A Lambda Function URL on a loopback port. */
export interface FunctionUrl {
  readonly url: string;
  /** Requests that were turned away before the handler, with the reason. */
  readonly denied: readonly string[];
  stop(): Promise<void>;
}

/** Payload limit of a synchronous invocation. */
const MAX_BODY_BYTES = 6 * 1024 * 1024;

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_BODY_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Names in lower case, repeated headers joined by a comma, as Lambda passes them. */
function joinHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = (request.rawHeaders[i] ?? '').toLowerCase();
    const value = request.rawHeaders[i + 1] ?? '';
    headers[name] = headers[name] === undefined ? value : `${headers[name]},${value}`;
  }
  return headers;
}

function isTextual(contentType: string | undefined): boolean {
  return contentType === undefined || /^(text\/|application\/(json|xml|javascript))/.test(contentType);
}

/** The payload, version 2.0. */
function eventOf(request: IncomingMessage, headers: Record<string, string>, body: Buffer): LambdaFunctionURLEvent {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  const isBase64Encoded = body.length > 0 && !isTextual(headers['content-type']);
  const now = new Date();
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    ...(query === '' ? {} : { queryStringParameters: Object.fromEntries(new URLSearchParams(query)) }),
    headers,
    requestContext: {
      accountId: 'anonymous',
      apiId: 'function-url',
      domainName: headers['host'] ?? '',
      domainPrefix: (headers['host'] ?? '').split('.')[0] ?? '',
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: now.toUTCString(),
      timeEpoch: now.getTime(),
      http: {
        method: request.method ?? 'GET',
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: headers['user-agent'] ?? '',
      },
    },
    ...(body.length === 0 ? {} : { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') }),
    isBase64Encoded,
  };
}

function reply(response: ServerResponse, status: number, headers: Record<string, string>, body: string | Buffer): void {
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
  response.end(body);
}

function replyWithResult(response: ServerResponse, result: LambdaFunctionURLResult): void {
  const json = { 'content-type': 'application/json' };
  if (typeof result === 'string' || result.statusCode === undefined) {
    reply(response, 200, json, typeof result === 'string' ? result : JSON.stringify(result));
    return;
  }
  const headers: Record<string, string> = { ...json };
  for (const [name, value] of Object.entries(result.headers ?? {})) headers[name.toLowerCase()] = String(value);
  const body = result.body ?? '';
  reply(response, result.statusCode, headers, result.isBase64Encoded ? Buffer.from(body, 'base64') : body);
}

/** Serves a handler as its Function URL would: the same event, the same mapping of results, errors and refusals. */
export async function startFunctionUrl(
  handler: FunctionUrlHandler,
  options: FunctionUrlOptions = {},
): Promise<FunctionUrl> {
  const { iam } = options;
  const authorize = options.authorize ?? ((request: SignedRequest) => iam && signatureFault(request, iam));
  const denied: string[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const json = { 'content-type': 'application/json' };
    const body = await readBody(request);
    if (body === undefined) {
      reply(response, 413, json, '{"Message":"Request Too Large"}');
      return;
    }
    const headers = joinHeaders(request);
    const signed = { method: request.method ?? 'GET', target: request.url ?? '/', headers, body };
    const fault = authorize(signed);
    if (fault !== undefined) {
      denied.push(fault);
      reply(response, 403, { ...json, 'x-amzn-errortype': 'AccessDeniedException' }, '{"Message":"Forbidden"}');
      return;
    }
    try {
      replyWithResult(response, await handler(eventOf(request, headers, body)));
    } catch {
      reply(response, 502, json, '{"Message":"Internal Server Error"}');
    }
  };
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    denied,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
