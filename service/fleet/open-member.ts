import type { ServiceConfig } from '../config/service-config';
import type { Hub } from '../hub/hub';
import type { Logger } from '../logging/logger';
import type { TrafficCounters } from '../metrics/traffic-counters';
import type { Batching } from '../net/batching';
import type { FleetMember } from './fleet-member';
import { SharedMember } from './shared-member';
import { SoloMember } from './solo-member';
import type { StreamRegistry } from './stream-registry';

export interface MemberSurroundings {
  readonly config: ServiceConfig;
  /** The registry of the processes of this machine, where there are several. */
  readonly parent: StreamRegistry | undefined;
  readonly hub: Hub;
  readonly batching: Batching;
  readonly traffic: TrafficCounters;
  readonly log: Logger;
}

/** This node's part in the fleet that the configuration asks for. */
export function openMember({ config, parent, ...shared }: MemberSurroundings): FleetMember {
  const { graceMs } = config.publishing;
  if (parent !== undefined) return new SharedMember({ ...shared, registry: parent, graceMs });
  return new SoloMember(shared.hub);
}
