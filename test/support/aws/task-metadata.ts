import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The task metadata endpoint of ECS (version 4) on a free loopback port. */
export interface TaskMetadataStandIn {
  /** For ECS_CONTAINER_METADATA_URI_V4. */
  readonly uri: string;
  /** How often the task was asked for. */
  readonly requests: number;
  /** Answers of the requests to come, one each; after them the task. */
  answerNext(...answers: ((response: ServerResponse) => void)[]): void;
  stop(): Promise<void>;
}

export const STAND_IN_TASK_ARN = 'arn:aws:ecs:eu-west-1:123456789012:task/fleet/0123456789abcdef0123456789abcdef';

/** As documented for Fargate, for a task with the service and an ADOT sidecar. */
export function taskDocument(address: string): object {
  const container = (name: string): object => ({
    DockerId: `${name}-id`,
    Name: name,
    DockerName: name,
    Image: `123456789012.dkr.ecr.eu-west-1.amazonaws.com/${name}:1`,
    DesiredStatus: 'RUNNING',
    KnownStatus: 'RUNNING',
    Limits: { CPU: 2 },
    Type: 'NORMAL',
    LogDriver: 'awslogs',
    Networks: [
      {
        NetworkMode: 'awsvpc',
        IPv4Addresses: [address],
        AttachmentIndex: 0,
        MACAddress: '0a:de:f6:10:51:e5',
        IPv4SubnetCIDRBlock: '10.42.0.0/18',
        DomainNameServers: ['10.42.0.2'],
        SubnetGatewayIpv4Address: '10.42.0.1/18',
      },
    ],
  });
  return {
    Cluster: 'arn:aws:ecs:eu-west-1:123456789012:cluster/fleet',
    TaskARN: STAND_IN_TASK_ARN,
    Family: 'fleet-ingest',
    Revision: '7',
    DesiredStatus: 'RUNNING',
    KnownStatus: 'RUNNING',
    AvailabilityZone: 'eu-west-1a',
    LaunchType: 'FARGATE',
    Containers: [container('rtmp'), container('sidecar')],
  };
}

export async function startTaskMetadata(document: object = taskDocument('10.42.3.7')): Promise<TaskMetadataStandIn> {
  const answers: ((response: ServerResponse) => void)[] = [];
  let requests = 0;
  const server = createServer((request, response) => {
    if (request.url !== '/v4/0123-456/task') {
      response.writeHead(404).end();
      return;
    }
    requests += 1;
    const answer = answers.shift();
    if (answer) answer(response);
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v4/0123-456`,
    get requests() {
      return requests;
    },
    answerNext: (...next) => void answers.push(...next),
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
