/**
 * ECS's intention for a task. `superseded`: a newer deployment has taken over, but ECS has not begun to stop this task,
 * which stays behind the load balancer until then. `leaving`: ECS is stopping the task.
 */
export type TaskStanding = 'wanted' | 'superseded' | 'leaving';

/** A task, as DescribeTasks returns it. */
export interface TaskDescription {
  readonly taskDefinitionArn?: string | undefined;
  readonly lastStatus?: string | undefined;
  readonly desiredStatus?: string | undefined;
  /** The deployment that started the task, if it belongs to a service. */
  readonly startedBy?: string | undefined;
}

/** One of a service's deployments, as DescribeServices returns them. */
export interface DeploymentDescription {
  readonly id?: string | undefined;
  readonly status?: string | undefined;
  readonly taskDefinition?: string | undefined;
  readonly runningCount?: number | undefined;
  readonly rolloutState?: string | undefined;
}

/** States of a task that is being stopped. In DEACTIVATING it waits for the load balancer's deregistration delay. */
const LAST_STATES: ReadonlySet<string> = new Set(['DEACTIVATING', 'STOPPING', 'DEPROVISIONING', 'STOPPED', 'DELETED']);

/**
 * A task's standing among the deployments of its service, of which there are none for a task without a service. A newer
 * deployment counts only once it has running tasks and has not failed: until then this task is still needed.
 */
export function taskStanding(task: TaskDescription, deployments: readonly DeploymentDescription[]): TaskStanding {
  if (task.desiredStatus === 'STOPPED' || LAST_STATES.has(task.lastStatus ?? '')) return 'leaving';
  const primary = deployments.find(({ status }) => status === 'PRIMARY');
  if (primary === undefined || primary.rolloutState === 'FAILED' || !((primary.runningCount ?? 0) > 0)) return 'wanted';
  // A forced deployment has the same revision, so the deployment is compared instead, where it is still listed.
  const own = deployments.find(({ id }) => id !== undefined && id === task.startedBy);
  const isPrimary = own === undefined ? primary.taskDefinition === task.taskDefinitionArn : own === primary;
  return isPrimary ? 'wanted' : 'superseded';
}
