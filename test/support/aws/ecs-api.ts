import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { EcsApiError, type ProtectedTask } from './ecs-answers';
import type { EcsService } from './ecs-service';
import { signatureFault } from './sigv4-check';
import { STAND_IN_CREDENTIALS } from './stand-in-identity';

/** The control plane of ECS on a free loopback port, for one service; it checks signatures. */
export interface EcsApiStandIn {
  /** For AWS_ENDPOINT_URL_ECS. */
  readonly endpoint: string;
  /** Names of the operations that were called, in order. */
  readonly calls: readonly string[];
  /** Refuses every call with this error, such as `ThrottlingException`, until `refuseWith` is called again. */
  refuseWith(code: string | undefined): void;
  stop(): Promise<void>;
}

const TARGET = /^AmazonEC2ContainerServiceV20141113\.(\w+)$/;

export async function startEcsApi(service: EcsService): Promise<EcsApiStandIn> {
  const calls: string[] = [];
  let refusal: string | undefined;

  const perform = (operation: string, input: Readonly<Record<string, unknown>>): object => {
    const cluster = typeof input['cluster'] === 'string' ? input['cluster'] : undefined;
    const ids = texts(input['tasks']);
    switch (operation) {
      case 'DescribeTasks':
        return service.describeTasks(cluster, ids);
      case 'DescribeServices':
        return service.describeServices(cluster, texts(input['services']));
      case 'UpdateTaskProtection':
        return inSeconds(
          service.updateTaskProtection(cluster, ids, input['protectionEnabled'], input['expiresInMinutes']),
        );
      case 'GetTaskProtection':
        return inSeconds(service.getTaskProtection(cluster, ids));
      default:
        throw new EcsApiError('UnknownOperationException', `no operation ${operation}`);
    }
  };

  const serve = async (request: IncomingMessage): Promise<object> => {
    const body = await buffer(request);
    const headers = request.headers as Record<string, string>;
    const signed = { method: request.method ?? '', target: request.url ?? '/', headers, body };
    const fault = signatureFault(signed, { ...STAND_IN_CREDENTIALS, region: service.options.region, service: 'ecs' });
    if (fault !== undefined) throw new EcsApiError('InvalidSignatureException', fault);
    const [, operation = ''] = TARGET.exec(headers['x-amz-target'] ?? '') ?? [];
    calls.push(operation);
    if (refusal !== undefined) throw new EcsApiError(refusal, 'Rate exceeded');
    return perform(operation, JSON.parse(body.toString('utf8')) as Record<string, unknown>);
  };

  const server = createServer((request, response) => {
    const send = (status: number, answer: object): void => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
    };
    serve(request).then(
      (answer) => send(200, answer),
      (error: unknown) => {
        if (error instanceof EcsApiError) send(400, { __type: error.code, message: error.message });
        else send(500, { __type: 'ServerException' });
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    refuseWith(code) {
      refusal = code;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.map(String) : undefined;
}

/** Times are seconds since the epoch in this protocol. */
function inSeconds({ protectedTasks, failures }: { protectedTasks: readonly ProtectedTask[]; failures: unknown }) {
  return {
    protectedTasks: protectedTasks.map(({ expirationDate, ...task }) => ({
      ...task,
      ...(expirationDate && { expirationDate: expirationDate.getTime() / 1000 }),
    })),
    failures,
  };
}
