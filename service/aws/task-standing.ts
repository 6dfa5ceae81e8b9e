/**
 * What ECS has in mind for a task. `superseded`: a newer deployment has taken over, but ECS has not begun to stop this
 * task, which stays behind the load balancer until it does. `leaving`: it is being stopped.
 */
export type TaskStanding = 'wanted' | 'superseded' | 'leaving';

/** Of DescribeTasks. */
export interface TaskDescription {
  readonly taskDefinitionArn?: string | undefined;
  readonly lastStatus?: string | undefined;
  readonly desiredStatus?: string | undefined;
  /** The deployment that started it, for a service's task. */
  readonly startedBy?: string | undefined;
}

/** Of DescribeServices: one of the service's deployments. */
export interface DeploymentDescription {
  readonly id?: string | undefined;
  readonly status?: string | undefined;
  readonly taskDefinition?: string | undefined;
  readonly runningCount?: number | undefined;
  readonly rolloutState?: string | undefined;
}

/** States on a task's way out. DEACTIVATING is where it waits for the load balancer's deregistration delay. */
const LAST_STATES: ReadonlySet<string> = new Set(['DEACTIVATING', 'STOPPING', 'DEPROVISIONING', 'STOPPED', 'DELETED']);

/**
 * Where a task stands among its service's deployments; none for a task without a service. A newer deployment counts
 * once it has running tasks: before, or when it has failed, this task is still the one to rely on.
 */
export function taskStanding(task: TaskDescription, deployments: readonly DeploymentDescription[]): TaskStanding {
  if (task.desiredStatus === 'STOPPED' || LAST_STATES.has(task.lastStatus ?? '')) return 'leaving';
  const primary = deployments.find(({ status }) => status === 'PRIMARY');
  if (primary === undefined || primary.rolloutState === 'FAILED' || !((primary.runningCount ?? 0) > 0)) return 'wanted';
  // A forced deployment has the same revision, so the deployment itself says more where it is still listed.
  const own = deployments.find(({ id }) => id !== undefined && id === task.startedBy);
  const isPrimary = own === undefined ? primary.taskDefinition === task.taskDefinitionArn : own === primary;
  return isPrimary ? 'wanted' : 'superseded';
}
