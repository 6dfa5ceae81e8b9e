import type { ServiceConfig } from '../config/service-config';
import type { Logger } from '../logging/logger';
import { protectionEndpoint } from './protection-endpoint';
import { TaskAgent, type TaskAgentOptions } from './task-agent';
import { taskLookup } from './task-lookup';
import type { TaskIdentity } from './task-metadata';

export interface TaskAgentSurroundings extends Pick<TaskAgentOptions, 'called' | 'leaving' | 'publishers'> {
  readonly config: ServiceConfig;
  /** undefined: this is no ECS task, or its metadata could not be read. */
  readonly task: TaskIdentity | undefined;
  readonly log: Logger;
}

/** The agent of a fleet's node that is an AWS ECS task; undefined for any other node. */
export function openTaskAgent({ config, task, log, ...node }: TaskAgentSurroundings): TaskAgent | undefined {
  const { fleet, ecsAgentUrl } = config;
  if (fleet === undefined || task === undefined || task.taskArn === '') {
    if (fleet?.taskProtection) log.warning('FLEET_TASK_PROTECTION is not used: this is no task of AWS ECS');
    return undefined;
  }
  const { taskProtection } = fleet;
  if (taskProtection && ecsAgentUrl === undefined) {
    log.warning('FLEET_TASK_PROTECTION is not used: ECS_AGENT_URI does not name the agent');
  }
  const protection = taskProtection && ecsAgentUrl && { ...taskProtection, set: protectionEndpoint(ecsAgentUrl) };
  return new TaskAgent({ ...node, lookup: taskLookup(task), protection, pollMs: fleet.ecsPollMs, log });
}
