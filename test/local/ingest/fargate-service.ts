import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EcsService, EcsTask } from '../../support/aws/ecs-service';
import { startEcsTaskEndpoint, type EcsTaskEndpoint } from '../../support/aws/ecs-task-endpoint';
import type { RunningProgram } from '../../support/programs/running-program';
import { freePort } from '../../support/servers/redis-server';
import type { Principal } from '../aws/roles';
import { startContainer, type ContainerOptions } from './container';
import type { LoadBalancer } from './load-balancer';
import type { OutputsContainer, TaskDefinition } from './task-definition';

export interface FargateServiceOptions {
  readonly ecs: EcsService;
  readonly definition: TaskDefinition;
  /** The definition's variables, with the values of this machine. */
  readonly variables: Readonly<Record<string, string>>;
  /** Variables that this machine gives the container of outputs in addition. */
  readonly outputsVariables: Readonly<Record<string, string>>;
  readonly role: Principal;
  readonly balancer: LoadBalancer;
  readonly container: Pick<ContainerOptions, 'image' | 'caFile'>;
  /** Whether the tasks run isolated as in a container. */
  readonly walls: boolean;
  readonly log: (line: string) => void;
}

/** One node of the service. */
export interface FargateTask {
  readonly ecsTask: EcsTask;
  readonly program: RunningProgram;
  /** The task's second container; undefined: it has none. */
  readonly outputs: RunningProgram | undefined;
  readonly endpoint: EcsTaskEndpoint;
  /** The port here that a port of the container is. */
  readonly port: (containerPort: number) => number;
}

/** Time for the last stop callbacks when everything is ended. */
const END_MS = 3_000;

/** The service's tasks, started and ended as ECS does it. */
export class FargateService {
  readonly tasks = new Set<FargateTask>();

  constructor(private readonly options: FargateServiceOptions) {}

  /** Starts a task; the load balancer sends it connections once it is healthy. */
  async startTask(): Promise<FargateTask> {
    const { ecs, definition, variables, role, balancer, container, walls, log } = this.options;
    const ecsTask = ecs.startTask();
    const { containerName, roleArn, settings } = definition;
    const endpoint = await startEcsTaskEndpoint({
      ...{ service: ecs, task: ecsTask, address: '127.0.0.1', containerName, roleArn, credentials: role.credentials },
      allows: (action) => role.allows({ action, resource: ecsTask.arn }),
    });
    // Each task on Fargate has a loopback interface of its own.
    const link = definition.outputs && { OUTPUTS_PORT: String(await freePort()) };
    const environment = { ...variables, ...endpoint.environment, ...link };
    const label = `task-${ecsTask.id.slice(0, 4)}`;
    const onLine = (line: string): void => log(`${label}  ${line}`);
    const program = startContainer({ ...container, settings, environment, onLine }, walls);
    const outputs =
      definition.outputs && this.#startOutputs(definition.outputs, { ...endpoint.environment, ...link }, label);
    const task = { ecsTask, program, outputs, endpoint, port: portsOf(program, definition.variables) };
    this.tasks.add(task);
    const listening = ['RTMP', 'HTTP', ...(variables['SSL_PORT'] === undefined ? [] : ['RTMPS'])];
    for (const protocol of listening) await program.waitForOutput(listeningOn(protocol));
    await balancer.register(ecsTask.id, task.port);
    return task;
  }

  /**
   * Ends a task as ECS does it: no new connections, the whole deregistration delay for those it has, SIGTERM, the stop
   * time-out, SIGKILL. Resolves when it is gone, with its exit code.
   */
  async stopTask(task: FargateTask, waits: { deregistrationMs: number; stopMs: number }): Promise<number | null> {
    const { ecsTask, program, outputs, endpoint } = task;
    ecsTask.desiredStatus = 'STOPPED';
    ecsTask.lastStatus = 'DEACTIVATING';
    await this.options.balancer.deregister(ecsTask.id);
    // A task that has ended already is not waited for.
    await Promise.race([program.exited, sleep(waits.deregistrationMs, undefined, { ref: false })]);
    ecsTask.lastStatus = 'STOPPING';
    // Both containers get the signal at the same time.
    await Promise.all([program.stop(waits.stopMs), outputs?.stop(waits.stopMs)]);
    ecsTask.lastStatus = 'STOPPED';
    await endpoint.stop();
    this.tasks.delete(task);
    return program.exited;
  }

  #startOutputs(
    { entryPoint, variables, settings }: OutputsContainer,
    fromEcs: Readonly<Record<string, string>>,
    label: string,
  ): RunningProgram {
    const { container, walls, log, outputsVariables } = this.options;
    const { RECORD_SPOOL_DIR: volume = '' } = variables;
    // Without walls the path would be one of this machine.
    const spool = walls ? volume : mkdtempSync(join(tmpdir(), 'spool-'));
    const environment = { ...variables, ...outputsVariables, ...fromEcs, RECORD_SPOOL_DIR: spool };
    const onLine = (line: string): void => log(`${label}  outputs  ${line}`);
    const program = startContainer({ ...container, settings, environment, entryPoint, volume, onLine }, walls);
    const remove = (): void => {
      if (!walls) rmSync(spool, { recursive: true, force: true });
    };
    program.exited.then(remove, remove);
    return program;
  }

  /** Ends all tasks at once. */
  async stop(): Promise<void> {
    await Promise.all(
      [...this.tasks].map(async ({ program, outputs, endpoint }) => {
        await Promise.all([program.stop(END_MS), outputs?.stop(END_MS)]);
        await endpoint.stop();
      }),
    );
  }
}

function listeningOn(protocol: string): RegExp {
  return new RegExp(`\\b${protocol} listening on [^\\s"]*:(\\d+)`);
}

/** Reads from the service's log where it listens. */
function portsOf(program: RunningProgram, variables: TaskDefinition['variables']): FargateTask['port'] {
  const names = [
    ['RTMP', 'RTMP_PORT'],
    ['RTMPS', 'SSL_PORT'],
    ['HTTP', 'HTTP_PORT'],
  ] as const;
  return (containerPort) => {
    const [protocol = ''] = names.find(([, name]) => Number(variables[name]) === containerPort) ?? [];
    const [, port] = listeningOn(protocol).exec(program.output) ?? [];
    if (port === undefined) throw new Error(`the task does not listen on ${containerPort}`);
    return Number(port);
  };
}
