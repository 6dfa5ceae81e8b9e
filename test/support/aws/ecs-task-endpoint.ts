import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { EcsApiError } from './ecs-answers';
import type { EcsService, EcsTask } from './ecs-service';

/** The credentials of a task's role. */
export interface TaskCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

export interface EcsTaskEndpointOptions {
  readonly service: EcsService;
  readonly task: EcsTask;
  /** The task's own IPv4 address. */
  readonly address: string;
  readonly containerName: string;
  readonly roleArn: string;
  readonly credentials: TaskCredentials;
  /** Whether the task's role permits this action, which the agent asks of ECS under that role. Default: everything. */
  readonly allows?: (action: string) => boolean;
}

/** The endpoints that ECS has at 169.254.170.2, on a loopback port: metadata (v4), agent, credentials of the role. */
export interface EcsTaskEndpoint {
  /** The variables that ECS adds to those of the task definition. */
  readonly environment: Readonly<Record<string, string>>;
  /** Requests so far, as `METHOD path`. */
  readonly requests: readonly string[];
  /**
   * Makes the agent refuse with this error code, or not answer at all (`hang`), until `disturbAgent` is called again.
   */
  disturbAgent(how: string | undefined): void;
  stop(): Promise<void>;
}

const CREDENTIALS_LIFE_MS = 6 * 3_600_000;
const STATE = '/task-protection/v1/state';

export async function startEcsTaskEndpoint(options: EcsTaskEndpointOptions): Promise<EcsTaskEndpoint> {
  const { service, task, allows = () => true } = options;
  const container = `${task.id}-${randomUUID().slice(0, 8)}`;
  const requests: string[] = [];
  let disturbance: string | undefined;

  const protect = (enabled: unknown, minutes: unknown): object => {
    const { cluster } = service.options;
    const action = enabled === undefined ? 'ecs:GetTaskProtection' : 'ecs:UpdateTaskProtection';
    if (!allows(action)) throw new EcsApiError('AccessDeniedException', `not authorized to perform: ${action}`);
    const { protectedTasks, failures } =
      enabled === undefined
        ? service.getTaskProtection(cluster, [task.id])
        : service.updateTaskProtection(cluster, [task.id], enabled, minutes ?? undefined);
    const [failure] = failures;
    if (failure !== undefined) return { failure: { Arn: failure.arn, Detail: failure.detail, Reason: failure.reason } };
    const [state] = protectedTasks;
    return {
      protection: {
        ProtectionEnabled: state?.protectionEnabled,
        ...(state?.expirationDate && { ExpirationDate: state.expirationDate.toISOString() }),
        TaskArn: task.arn,
      },
    };
  };

  /** The agent's part. Its decoder takes no field that it does not know. */
  const agent = async (request: IncomingMessage): Promise<object> => {
    if (disturbance === 'hang') return new Promise(() => undefined);
    if (disturbance !== undefined) throw new EcsApiError(disturbance, 'Rate exceeded');
    if (request.method === 'GET') return protect(undefined, undefined);
    if (request.method !== 'PUT') throw new EcsApiError('InvalidParameterException', 'only GET and PUT');
    const { ProtectionEnabled, ExpiresInMinutes, ...others } = (await json(request)) as Record<string, unknown>;
    if (Object.keys(others).length > 0 || ProtectionEnabled === undefined) {
      throw new EcsApiError('InvalidParameterException', "Invalid request: does not contain 'ProtectionEnabled' field");
    }
    return protect(ProtectionEnabled, ExpiresInMinutes);
  };

  const answer = async (request: IncomingMessage): Promise<{ status: number; body: object }> => {
    const { pathname } = new URL(request.url ?? '/', 'http://task');
    requests.push(`${request.method ?? ''} ${pathname}`);
    if (pathname === `/v4/${container}/task`) return { status: 200, body: taskMetadata(options, container) };
    if (pathname === `/v4/${container}`) return { status: 200, body: containerMetadata(options, container) };
    if (pathname === `/v2/credentials/${container}`) return { status: 200, body: credentialsOf(options) };
    if (pathname !== `/api/${container}${STATE}`) return { status: 404, body: {} };
    try {
      return { status: 200, body: await agent(request) };
    } catch (error) {
      const { code, message } = error instanceof EcsApiError ? error : new EcsApiError('ServerException', '');
      const body = { requestID: randomUUID(), error: { Arn: task.arn, Code: code, Message: message } };
      return { status: code === 'ServerException' ? 500 : 400, body };
    }
  };

  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, body }) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    environment: {
      AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
      AWS_REGION: service.options.region,
      AWS_DEFAULT_REGION: service.options.region,
      ECS_CONTAINER_METADATA_URI_V4: `${base}/v4/${container}`,
      ECS_AGENT_URI: `${base}/api/${container}`,
      // On ECS it is AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, for a host that does not exist here.
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${base}/v2/credentials/${container}`,
    },
    requests,
    disturbAgent(how) {
      disturbance = how;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** As on Fargate, where the metadata does not name the task's service. */
function taskMetadata(options: EcsTaskEndpointOptions, container: string): object {
  const { service, task } = options;
  return {
    Cluster: service.clusterArn,
    TaskARN: task.arn,
    Family: service.options.family,
    Revision: String(task.revision),
    DesiredStatus: task.desiredStatus,
    KnownStatus: task.lastStatus,
    Limits: { CPU: 0.25, Memory: 512 },
    AvailabilityZone: `${service.options.region}a`,
    LaunchType: 'FARGATE',
    Containers: [containerMetadata(options, container)],
  };
}

function containerMetadata(options: EcsTaskEndpointOptions, container: string): object {
  const { service, task, address, containerName } = options;
  return {
    DockerId: container,
    Name: containerName,
    DockerName: containerName,
    Labels: {
      'com.amazonaws.ecs.cluster': service.clusterArn,
      'com.amazonaws.ecs.container-name': containerName,
      'com.amazonaws.ecs.task-arn': task.arn,
      'com.amazonaws.ecs.task-definition-family': service.options.family,
      'com.amazonaws.ecs.task-definition-version': String(task.revision),
    },
    DesiredStatus: task.desiredStatus,
    KnownStatus: task.lastStatus,
    Type: 'NORMAL',
    Networks: [{ NetworkMode: 'awsvpc', IPv4Addresses: [address], AttachmentIndex: 0 }],
  };
}

function credentialsOf({ roleArn, credentials }: EcsTaskEndpointOptions): object {
  return {
    RoleArn: roleArn,
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    Token: credentials.sessionToken,
    Expiration: new Date(Date.now() + CREDENTIALS_LIFE_MS).toISOString(),
  };
}
