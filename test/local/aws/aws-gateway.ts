import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { STAND_IN_CREDENTIALS } from '../../support/aws/stand-in-identity';
import { contextOf, resourcesOf, type Home } from './api-resources';
import { callerOf } from './caller';
import { LambdaError } from './lambda-error';
import type { LambdaFunction } from './lambda-function';
import type { AccessRequest } from './policy-statement';
import type { Principal, Roles } from './roles';

export interface AwsGatewayOptions {
  readonly roles: Roles;
  readonly home: Home;
  /** Stand-ins by the name with which requests to them are signed. */
  readonly endpoints: Readonly<Record<string, string>>;
  readonly functionNamed: (name: string) => LambdaFunction | undefined;
}

/** All of AWS at one address, for AWS_ENDPOINT_URL. */
export interface AwsGateway {
  readonly url: string;
  /** Refused requests, each with its caller. */
  readonly denied: readonly string[];
  stop(): Promise<void>;
}

class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * Checks requests to the stand-ins as AWS does: a request must be signed with the credentials of a role, and the role's
 * policies in the templates must allow it.
 */
export async function startAwsGateway({
  roles,
  home,
  endpoints,
  functionNamed,
}: AwsGatewayOptions): Promise<AwsGateway> {
  const denied: string[] = [];

  const authorize = (
    principal: Principal,
    action: string,
    resources: readonly string[],
    context: AccessRequest['context'] = {},
  ): void => {
    for (const resource of resources.length === 0 ? ['*'] : resources) {
      if (principal.allows({ action, resource, context })) continue;
      const message = `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource}`;
      denied.push(message);
      throw new ApiError(400, 'AccessDeniedException', message);
    }
  };

  const serve = async (request: IncomingMessage): Promise<Answer> => {
    const body = await buffer(request);
    const headers = request.headers as Record<string, string>;
    const target = request.url ?? '/';
    const method = request.method ?? 'GET';
    const caller = callerOf({ method, target, headers, body }, roles, home.region);
    if ('fault' in caller) throw new ApiError(403, 'UnrecognizedClientException', caller.fault);
    const { principal, service } = caller;
    if (service === 'lambda') return invoke(principal, target, body);
    const endpoint = endpoints[service];
    if (endpoint === undefined) throw new ApiError(404, 'UnknownServiceException', `no stand-in for ${service}`);
    const operation = (headers['x-amz-target'] ?? '').split('.')[1] ?? '';
    const input = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    const call = { service, operation, input };
    authorize(principal, `${service}:${operation}`, resourcesOf(call, home), contextOf(call));
    return forward(new URL(endpoint), service, home.region, headers, body);
  };

  const invoke = async (principal: Principal, target: string, body: Buffer): Promise<Answer> => {
    const [, name = ''] = /^\/2015-03-31\/functions\/([\w-]+)\/invocations$/.exec(target) ?? [];
    const lambda = functionNamed(name);
    const arn = `arn:aws:lambda:${home.region}:${home.account}:function:${name}`;
    authorize(principal, 'lambda:InvokeFunction', [arn]);
    if (lambda === undefined) throw new ApiError(404, 'ResourceNotFoundException', `Function not found: ${arn}`);
    try {
      const result = await lambda.invoke(body.length === 0 ? {} : JSON.parse(body.toString('utf8')));
      return json(200, result ?? null);
    } catch (error) {
      if (!(error instanceof LambdaError)) throw error;
      const { errorType, message: errorMessage } = error;
      return json(200, { errorType, errorMessage }, { 'x-amz-function-error': 'Unhandled' });
    }
  };

  const server = createServer((request, response) => {
    serve(request).then(
      (answer) => send(response, answer),
      (error: unknown) => {
        const { status, code, message } =
          error instanceof ApiError ? error : new ApiError(500, 'InternalFailure', String(error));
        send(response, json(status, { __type: code, Message: message, message }, { 'x-amzn-errortype': code }));
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    denied,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Forwards a request to a stand-in, which checks a signature too: that of the only user it knows. */
async function forward(
  endpoint: URL,
  service: string,
  region: string,
  received: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<Answer> {
  const signer = new SignatureV4({ service, region, credentials: STAND_IN_CREDENTIALS, sha256: Sha256 });
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    path: '/',
    headers: {
      'content-type': received['content-type'] ?? '',
      'x-amz-target': received['x-amz-target'] ?? '',
      host: endpoint.host,
    },
    body,
  });
  const { host: _sentByFetch, ...sent } = headers;
  const response = await fetch(endpoint, { method: 'POST', headers: sent, body: new Uint8Array(body) });
  return {
    status: response.status,
    headers: { 'content-type': response.headers.get('content-type') ?? 'application/json' },
    body: Buffer.from(await response.arrayBuffer()),
  };
}

function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(value)),
  };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': String(body.length) }).end(body);
}
