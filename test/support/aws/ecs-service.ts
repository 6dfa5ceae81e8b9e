import { randomBytes } from 'node:crypto';
import { EcsApiError, type Failure, type ProtectedTask } from './ecs-answers';

export interface EcsServiceOptions {
  readonly region: string;
  readonly account: string;
  readonly cluster: string;
  readonly service: string;
  /** Of the task definition. */
  readonly family: string;
  readonly desiredCount: number;
}

/** A task as ECS knows it. */
export interface EcsTask {
  readonly id: string;
  readonly arn: string;
  readonly revision: number;
  lastStatus: 'PENDING' | 'RUNNING' | 'DEACTIVATING' | 'STOPPING' | 'STOPPED';
  desiredStatus: 'RUNNING' | 'STOPPED';
  protectedUntil: Date | undefined;
}

interface Deployment {
  readonly id: string;
  readonly revision: number;
  completed: boolean;
}

const DEFAULT_PROTECTION_MINUTES = 120;
const MAX_PROTECTION_MINUTES = 2880;
/** Of one UpdateTaskProtection. */
const MAX_TASKS = 10;

/**
 * One ECS service with its tasks and deployments, by the rules that AWS documents. Tests change its state by its
 * methods.
 */
export class EcsService {
  readonly tasks = new Map<string, EcsTask>();
  desiredCount: number;
  /** Newest first. */
  readonly #deployments: Deployment[] = [];

  constructor(readonly options: EcsServiceOptions) {
    this.desiredCount = options.desiredCount;
    this.deploy();
  }

  get clusterArn(): string {
    return this.#arn(`cluster/${this.options.cluster}`);
  }

  /** Revision of the deployment that is PRIMARY. */
  get revision(): number {
    return this.#deployments[0]?.revision ?? 0;
  }

  definitionArn(revision: number): string {
    return this.#arn(`task-definition/${this.options.family}:${revision}`);
  }

  /** Begins a deployment of the next revision of the task definition. */
  deploy(): void {
    this.#deployments.unshift({
      id: `ecs-svc/${randomBytes(8).readBigUInt64BE()}`,
      revision: this.revision + 1,
      completed: false,
    });
  }

  /** The tasks of the newest revision are healthy. Older deployments stay as long as they have tasks. */
  completeDeployment(): void {
    const [primary] = this.#deployments;
    if (primary !== undefined) primary.completed = true;
  }

  /** Starts a task of the newest revision. */
  startTask(): EcsTask {
    const id = randomBytes(16).toString('hex');
    const arn = this.#arn(`task/${this.options.cluster}/${id}`);
    const { revision } = this;
    const task: EcsTask = {
      ...{ id, arn, revision },
      lastStatus: 'RUNNING',
      desiredStatus: 'RUNNING',
      protectedUntil: undefined,
    };
    this.tasks.set(id, task);
    return task;
  }

  // --- operations of the API ---

  describeTasks(cluster: string | undefined, ids: readonly string[] | undefined) {
    this.#checkCluster(cluster);
    const tasks = this.#find(ids, 100).found.map((task) => ({
      taskArn: task.arn,
      clusterArn: this.clusterArn,
      taskDefinitionArn: this.definitionArn(task.revision),
      group: `service:${this.options.service}`,
      startedBy: this.#deployments.find(({ revision }) => revision === task.revision)?.id,
      launchType: 'FARGATE',
      lastStatus: task.lastStatus,
      desiredStatus: task.desiredStatus,
    }));
    return { tasks, failures: this.#find(ids, 100).failures };
  }

  describeServices(cluster: string | undefined, names: readonly string[] | undefined) {
    this.#checkCluster(cluster);
    if (names === undefined || names.length === 0 || names.length > 10) {
      throw new EcsApiError('InvalidParameterException', 'Services must have 1 to 10 entries.');
    }
    const { service } = this.options;
    const arn = this.#arn(`service/${this.options.cluster}/${service}`);
    const known = (name: string): boolean => name === service || name === arn;
    return {
      services: names.some(known) ? [this.#describeService(arn)] : [],
      failures: names.filter((name) => !known(name)).map((name): Failure => ({ arn: name, reason: 'MISSING' })),
    };
  }

  updateTaskProtection(
    cluster: string | undefined,
    ids: readonly string[] | undefined,
    enabled: unknown,
    minutes: unknown = DEFAULT_PROTECTION_MINUTES,
  ) {
    this.#checkCluster(cluster);
    if (typeof enabled !== 'boolean') {
      throw new EcsApiError('InvalidParameterException', 'protectionEnabled must be true or false.');
    }
    const whole = typeof minutes === 'number' && Number.isInteger(minutes);
    if (enabled && !(whole && minutes >= 1 && minutes <= MAX_PROTECTION_MINUTES)) {
      throw new EcsApiError('InvalidParameterException', 'expiresInMinutes must be from 1 to 2880.');
    }
    const { found, failures } = this.#find(ids, MAX_TASKS);
    const done: ProtectedTask[] = [];
    for (const task of found) {
      if (enabled && this.#blocked(task)) {
        failures.push({
          arn: task.arn,
          reason: 'DEPLOYMENT_BLOCKED',
          detail: 'Unable to set protection status for the task. Reason: the service is deploying.',
        });
        continue;
      }
      task.protectedUntil = enabled ? new Date(Date.now() + Number(minutes) * 60_000) : undefined;
      done.push(this.#protection(task));
    }
    return { protectedTasks: done, failures };
  }

  getTaskProtection(cluster: string | undefined, ids: readonly string[] | undefined) {
    this.#checkCluster(cluster);
    const { found, failures } = this.#find(ids, 100);
    return { protectedTasks: found.map((task) => this.#protection(task)), failures };
  }

  #describeService(arn: string) {
    const running = [...this.tasks.values()].filter(({ lastStatus }) => lastStatus === 'RUNNING');
    const deployments = this.#deployments
      .map(({ id, revision, completed }, index) => ({
        id,
        status: index === 0 ? 'PRIMARY' : 'ACTIVE',
        taskDefinition: this.definitionArn(revision),
        desiredCount: index === 0 ? this.desiredCount : 0,
        runningCount: running.filter((task) => task.revision === revision).length,
        pendingCount: 0,
        rolloutState: completed || index > 0 ? 'COMPLETED' : 'IN_PROGRESS',
      }))
      .filter(({ status, runningCount }) => status === 'PRIMARY' || runningCount > 0);
    return {
      serviceArn: arn,
      serviceName: this.options.service,
      clusterArn: this.clusterArn,
      status: 'ACTIVE',
      desiredCount: this.desiredCount,
      runningCount: running.length,
      pendingCount: 0,
      taskDefinition: this.definitionArn(this.revision),
      deployments,
    };
  }

  /** Whether a deployment waits for tasks to end, and more tasks are protected already than the service wants. */
  #blocked(task: EcsTask): boolean {
    const others = [...this.tasks.values()].filter((other) => other !== task && this.#isProtected(other));
    return others.length >= this.desiredCount;
  }

  #isProtected({ protectedUntil }: EcsTask): boolean {
    return protectedUntil !== undefined && protectedUntil.getTime() > Date.now();
  }

  #protection(task: EcsTask): ProtectedTask {
    const { protectedUntil } = task;
    const enabled = this.#isProtected(task);
    return {
      taskArn: task.arn,
      protectionEnabled: enabled,
      ...(enabled && protectedUntil && { expirationDate: protectedUntil }),
    };
  }

  #find(ids: readonly string[] | undefined, max: number): { found: EcsTask[]; failures: Failure[] } {
    if (ids === undefined || ids.length === 0 || ids.length > max) {
      throw new EcsApiError('InvalidParameterException', `Tasks must have 1 to ${max} entries.`);
    }
    const found: EcsTask[] = [];
    const failures: Failure[] = [];
    for (const id of ids) {
      const task = this.tasks.get(id.replace(/^.*\//, ''));
      if (task === undefined) failures.push({ arn: id, reason: 'MISSING' });
      else found.push(task);
    }
    return { found, failures };
  }

  #checkCluster(cluster = 'default'): void {
    if (cluster !== this.options.cluster && cluster !== this.clusterArn) {
      throw new EcsApiError('ClusterNotFoundException', 'Cluster not found.');
    }
  }

  #arn(path: string): string {
    return `arn:aws:ecs:${this.options.region}:${this.options.account}:${path}`;
  }
}
