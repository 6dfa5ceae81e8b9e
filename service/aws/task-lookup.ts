import type { ECSClient } from '@aws-sdk/client-ecs';
import type { TaskIdentity } from './task-metadata';
import { taskStanding, type TaskStanding } from './task-standing';

/** Asks ECS once whether it still wants this task, within a time limit. */
export interface TaskLookup {
  /** @throws ECS's error, or a time-out */
  standing(): Promise<TaskStanding>;
  /** Closes the connections. */
  close(): void;
}

/** Time limit of both calls, with the SDK's retries and the time to get credentials. */
const LOOK_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 3_000;
const SERVICE_GROUP = /^service:(.+)$/;

/** Uses the ECS API. The SDK is loaded with the first call; its credentials are those of the task's role. */
export function taskLookup({ taskArn, cluster }: TaskIdentity): TaskLookup {
  let opened: Promise<ECSClient> | undefined;

  const ask = async (signal: AbortSignal): Promise<TaskStanding> => {
    const { DescribeServicesCommand, DescribeTasksCommand } = await import('./aws-sdk');
    opened ??= openClient(taskArn);
    const client = await opened;
    const options = { abortSignal: signal };
    const { tasks = [], failures = [] } = await client.send(
      new DescribeTasksCommand({ cluster, tasks: [taskArn] }),
      options,
    );
    const [task] = tasks;
    if (task === undefined) throw new Error(`ECS does not know this task: ${failures[0]?.reason ?? 'no reason given'}`);
    const service = SERVICE_GROUP.exec(task.group ?? '')?.[1];
    if (service === undefined) return taskStanding(task, []);
    const described = await client.send(new DescribeServicesCommand({ cluster, services: [service] }), options);
    return taskStanding(task, described.services?.[0]?.deployments ?? []);
  };

  return {
    async standing() {
      const late = AbortSignal.timeout(LOOK_TIMEOUT_MS);
      // The SDK obeys an abort signal during a request, but not while it looks for credentials.
      const lateness = new Promise<never>((_resolve, reject) => {
        late.addEventListener('abort', () => reject(new Error(`no answer within ${LOOK_TIMEOUT_MS / 1000} s`)));
      });
      return Promise.race([ask(late), lateness]);
    },
    close() {
      opened?.then(
        (client) => client.destroy(),
        () => undefined,
      );
    },
  };
}

async function openClient(taskArn: string): Promise<ECSClient> {
  const { ECSClient: Client } = await import('./aws-sdk');
  const region = taskArn.split(':')[3];
  return new Client({
    ...(region !== undefined && region !== '' && { region }),
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  });
}
