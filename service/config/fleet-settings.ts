import { availableParallelism } from 'node:os';
import type { Environment } from './environment';

/** How publishers may take over and reconnect; also without a fleet. */
export interface PublishingConfig {
  /** A publisher with the same channel and key replaces the current one. */
  readonly takeover: boolean;
  /** How long a channel is held for a publisher that was lost (ms); 0: not at all. */
  readonly graceMs: number;
}

/** Present when this node shares its channels with others through Redis. */
export interface FleetConfig {
  /** undefined: made from the task's metadata or the host name. */
  readonly nodeId: string | undefined;
  /** Where other nodes reach this one; undefined: found out at start. */
  readonly advertiseHost: string | undefined;
  /** With several workers, the first of as many ports in a row: each listens on its own for relays. */
  readonly advertisePort: number | undefined;
  /** How new publishes are decided while Redis is unavailable. */
  readonly withoutRedis: 'accept' | 'reject';
  /**
   * A node that has not renewed its registration for this long counts as dead (ms). All nodes must have the same value.
   */
  readonly nodeTtlMs: number;
  /** How often an AWS ECS task asks ECS whether it is still wanted (ms). */
  readonly ecsPollMs: number;
  /** ECS scale-in protection; absent: not used. */
  readonly taskProtection: { readonly minPublishers: number } | undefined;
}

export function readPublishingSettings(env: Environment): PublishingConfig {
  return {
    takeover: env.flag('PUBLISHER_TAKEOVER', false),
    graceMs: env.integer('RECONNECT_GRACE_SECONDS', { min: 0, max: 3600, fallback: 0 }) * 1000,
  };
}

/** How many worker processes share the ports: `auto` means one per core that this process may use. */
export function readWorkers(env: Environment): number {
  const value = env.text('WORKERS')?.trim() ?? '1';
  if (value === 'auto') return availableParallelism();
  const count = /^\d{1,3}$/.test(value) ? Number(value) : 0;
  if (count >= 1 && count <= 256) return count;
  env.fault('WORKERS', 'auto (one per core) or a whole number from 1 to 256');
  return 1;
}

/** @param redisUsed a fleet keeps its registry in Redis */
export function readFleetSettings(env: Environment, redisUsed: boolean): FleetConfig | undefined {
  const used = env.flag('FLEET', false);
  env.knows('PROTECTION_MIN_PUBLISHERS');
  const nodeId = env.text('FLEET_NODE_ID');
  if (nodeId !== undefined && !/^[A-Za-z0-9._-]{1,128}$/.test(nodeId)) {
    env.fault('FLEET_NODE_ID', '1 to 128 letters, digits, dots, - and _');
  }
  const config: FleetConfig = {
    nodeId,
    advertiseHost: env.host('FLEET_ADVERTISE_HOST'),
    advertisePort: env.optionalInteger('FLEET_ADVERTISE_PORT', { min: 1, max: 65_535 }),
    withoutRedis: env.choice('FLEET_WITHOUT_REDIS', ['accept', 'reject'], 'accept'),
    nodeTtlMs: env.integer('FLEET_NODE_TTL_SECONDS', { min: 3, max: 60, fallback: 10 }) * 1000,
    ecsPollMs: env.integer('ECS_POLL_SECONDS', { min: 1, max: 300, fallback: 15 }) * 1000,
    taskProtection: env.flag('FLEET_TASK_PROTECTION', false)
      ? { minPublishers: env.integer('PROTECTION_MIN_PUBLISHERS', { min: 0, max: 100_000, fallback: 1 }) }
      : undefined,
  };
  if (!used) return undefined;
  if (!redisUsed) env.fault('FLEET', 'YES only together with REDIS_USE=YES: nodes meet in Redis');
  return config;
}
