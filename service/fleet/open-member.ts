import { ownAddress } from '../addresses/own-address';
import type { TaskIdentity } from '../aws/task-metadata';
import type { ChangingPassword } from '../redis/redis-password';
import type { ServiceConfig } from '../config/service-config';
import type { Hub } from '../hub/hub';
import type { Logger } from '../logging/logger';
import type { TrafficCounters } from '../metrics/traffic-counters';
import type { Batching } from '../net/batching/batching';
import type { FleetKeys } from '../leases/fleet-keys';
import type { FleetMember } from './fleet-member';
import { ownId } from './own-id';
import { RedisLifeStore } from '../leases/redis/redis-life-store';
import { SharedMember } from './shared-member';
import { SoloMember } from './solo-member';
import type { LifePolicy } from '../publishing/life-events';
import type { LifeStore } from '../leases/life-store';

export interface MemberSurroundings {
  readonly config: ServiceConfig;
  /** Present in one of several worker processes of a machine: the store that the parent process keeps for all. */
  readonly parent: LifeStore | undefined;
  /** Present if this node is an ECS task. */
  readonly task: TaskIdentity | undefined;
  /** The password of Redis, if it is in Secrets Manager. */
  readonly password: ChangingPassword | undefined;
  readonly keys: FleetKeys;
  readonly hub: Hub;
  readonly batching: Batching;
  readonly traffic: TrafficCounters;
  readonly log: Logger;
}

/** Interval of renewals, in TTLs of the registration: one lost renewal does no harm. */
const BEAT_TTLS = 0.3;

/** This node's membership, as configured. */
export function openMember({ config, parent, task, password, ...shared }: MemberSurroundings): FleetMember {
  const { graceMs } = config.publishing;
  const { fleet, redis } = config;
  if (fleet !== undefined && redis !== undefined) {
    const machineId = fleet.nodeId ?? taskId(task) ?? ownId(parent ? process.ppid : process.pid);
    const id = parent ? `${machineId}.${parent.self.id}` : machineId;
    const host =
      fleet.advertiseHost ?? (task?.address === undefined || task.address === '' ? ownAddress() : task.address);
    const address = { id, host, port: 0, proxyHeader: config.proxy !== undefined && parent === undefined };
    const timing = { ttlMs: fleet.nodeTtlMs, beatMs: fleet.nodeTtlMs * BEAT_TTLS };
    const store = new RedisLifeStore({
      config: redis,
      password,
      address,
      policy: lifePolicy(config),
      log: shared.log,
      keys: shared.keys,
      timing,
    });
    return new SharedMember({ ...shared, store, machineId, graceMs });
  }
  if (parent !== undefined) return new SharedMember({ ...shared, store: parent, machineId: parent.self.id, graceMs });
  return new SoloMember(lifePolicy(config));
}

/** What the machine of lives has to know of the settings. */
export function lifePolicy({ publishing }: Pick<ServiceConfig, 'publishing'>): LifePolicy {
  return { takeover: publishing.takeover, resumes: publishing.graceMs > 0 };
}

/** The last part of the task's ARN: short and unique. */
function taskId(task: TaskIdentity | undefined): string | undefined {
  return task?.taskArn.split('/').at(-1);
}
