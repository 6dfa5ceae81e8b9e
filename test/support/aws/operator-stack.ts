import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { signatureFault } from './sigv4-check';
import { STAND_IN_CREDENTIALS, STAND_IN_REGION } from './stand-in-identity';

const FUNCTION = 'operator-function';

/** CloudFormation with one stack, whose output names one Lambda function; both check signatures. */
export interface OperatorStack {
  /** For AWS_ENDPOINT_URL. */
  readonly endpoint: string;
  /** Events of the function, in order. */
  readonly events: readonly unknown[];
  stop(): Promise<void>;
}

/** @param operate the function; what it throws is the function's error */
export async function startOperatorStack(
  stack: string,
  operate: (event: unknown) => Promise<unknown>,
): Promise<OperatorStack> {
  const events: unknown[] = [];

  const serve = async (request: IncomingMessage): Promise<readonly [status: number, body: string, error?: string]> => {
    const body = await buffer(request);
    const target = request.url ?? '/';
    const headers = request.headers as Record<string, string>;
    const service = target.startsWith('/2015-03-31/') ? 'lambda' : 'cloudformation';
    const identity = { ...STAND_IN_CREDENTIALS, region: STAND_IN_REGION, service };
    const fault = signatureFault({ method: request.method ?? '', target, headers, body }, identity);
    if (service === 'cloudformation') return fault === undefined ? describeStacks(body.toString()) : refusal(fault);
    if (fault !== undefined) return [403, JSON.stringify({ message: fault }), 'UnrecognizedClientException'];
    if (!target.includes(`/functions/${FUNCTION}/`)) return [404, '{}', 'ResourceNotFoundException'];
    const event: unknown = JSON.parse(body.toString());
    events.push(event);
    try {
      return [200, JSON.stringify(await operate(event))];
    } catch (error) {
      return [200, JSON.stringify({ errorType: 'Error', errorMessage: String(error) }), 'Unhandled'];
    }
  };

  const describeStacks = (form: string): readonly [number, string] => {
    const name = new URLSearchParams(form).get('StackName') ?? '';
    if (name !== stack) return xmlError('ValidationError', `Stack with id ${name} does not exist`);
    const output = `<member><OutputKey>OperatorFunction</OutputKey><OutputValue>${FUNCTION}</OutputValue></member>`;
    const described = `<member><StackName>${stack}</StackName><StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2030-01-31T18:00:00Z</CreationTime><Outputs>${output}</Outputs></member>`;
    return [
      200,
      `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks>${described}</Stacks></DescribeStacksResult></DescribeStacksResponse>`,
    ];
  };

  const server = createServer((request, response) => {
    void serve(request).then(([status, body, error]) => {
      const type = body.startsWith('<') ? 'text/xml' : 'application/json';
      const failed: Record<string, string> =
        error === undefined ? {} : { [status === 200 ? 'x-amz-function-error' : 'x-amzn-errortype']: error };
      response.writeHead(status, { 'content-type': type, ...failed }).end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    events,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function refusal(fault: string): readonly [number, string] {
  const [, body] = xmlError('InvalidClientTokenId', fault);
  return [403, body];
}

function xmlError(code: string, message: string): readonly [number, string] {
  return [
    400,
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  ];
}
