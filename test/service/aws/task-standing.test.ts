import { expect, test } from '@jest/globals';
import { taskStanding, type DeploymentDescription, type TaskDescription } from '../../../service/aws/task-standing';

const task: TaskDescription = {
  taskDefinitionArn: 'node:1',
  lastStatus: 'RUNNING',
  desiredStatus: 'RUNNING',
  startedBy: 'ecs-svc/1',
};
const own: DeploymentDescription = { id: 'ecs-svc/1', status: 'PRIMARY', taskDefinition: 'node:1', runningCount: 3 };
const old: DeploymentDescription = { ...own, status: 'ACTIVE' };
const next: DeploymentDescription = { id: 'ecs-svc/2', status: 'PRIMARY', taskDefinition: 'node:2', runningCount: 1 };

test.each<[string, Partial<TaskDescription>, DeploymentDescription[], string]>([
  ['of the only deployment', {}, [own], 'wanted'],
  ['without a service', { startedBy: 'somebody' }, [], 'wanted'],
  ['that still starts', { lastStatus: 'PENDING' }, [own], 'wanted'],
  ['while the next deployment has no task yet', {}, [{ ...next, runningCount: 0 }, old], 'wanted'],
  ['while the next deployment has failed', {}, [{ ...next, rolloutState: 'FAILED' }, old], 'wanted'],
  ['when the next deployment runs', {}, [next, old], 'superseded'],
  ['when its own deployment is listed no more', {}, [next], 'superseded'],
  ['after a forced deployment of the same revision', {}, [{ ...next, taskDefinition: 'node:1' }, old], 'superseded'],
  ['after a deployment was rolled back to its revision', {}, [{ ...next, taskDefinition: 'node:1' }], 'wanted'],
  ['that waits for the load balancer to let go of it', { lastStatus: 'DEACTIVATING' }, [own], 'leaving'],
  ['that is to stop', { desiredStatus: 'STOPPED' }, [own], 'leaving'],
  ['that is to stop after a deployment', { desiredStatus: 'STOPPED' }, [next, old], 'leaving'],
])('a task %s', (_name, changes, deployments, standing) => {
  expect(taskStanding({ ...task, ...changes }, deployments)).toBe(standing);
});
