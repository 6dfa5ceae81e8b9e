import type { FleetMember } from '../fleet/fleet-member';
import type { Machine } from '../http/api/machine';
import { NodeApi, type NodeApiOptions } from '../http/api/node-api';
import { LoadMeter } from '../http/api/node-load';
import { oneNode } from '../http/api/one-node';
import type { Readiness } from '../http/http-server';
import type { Lifecycle } from './lifecycle';
import type { Media } from './media';

export interface ApiSurroundings extends Pick<NodeApiOptions, 'order' | 'outputs' | 'slots' | 'chunkSize' | 'now'> {
  readonly media: Media;
  readonly member: FleetMember;
  readonly lifecycle: Lifecycle;
  readonly version: string;
  readonly readiness: () => Readiness;
  /** Whether AWS ECS is told not to stop this node; null outside of ECS. */
  readonly isProtected: () => boolean | null;
}

export interface OpenApi {
  /** This node, as the API asks it. */
  readonly machine: Machine;
  /** To be called once a second (ms). */
  tick(now: number): void;
  close(): void;
}

/** The node's side of the operators' API. */
export function openApi(surroundings: ApiSurroundings): OpenApi {
  const { media, member, lifecycle, version, readiness, isProtected, now, ...shared } = surroundings;
  const { hub, health, events, teller, sessions, traffic, memory } = media;
  const { store } = member;
  const load = new LoadMeter({ traffic, memory }, now());
  const since = new Date().toISOString();
  const api = new NodeApi({
    ...shared,
    hub,
    events,
    store,
    load,
    isOwn: (publication) => teller.isOwn(publication),
    health,
    about() {
      const { ready, reason = null } = readiness();
      return {
        machine: member.machineId,
        ready,
        reason,
        draining: lifecycle.draining || lifecycle.phase === 'leaving',
        protected: isProtected(),
        version,
        since,
        connections: sessions.size,
      };
    },
    now,
  });
  return {
    machine: oneNode({ api, store, tokens: member.callTokens }),
    tick: (at) => api.tick(at),
    close: () => load.close(),
  };
}
