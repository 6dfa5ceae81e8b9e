import type { DeploymentConfig } from './deployment-config';

/**
 * The load of the fleet's registry on its cache, in commands, those inside scripts included. A short command that moves
 * at most 1 KB costs one ElastiCache processing unit (ECPU). Each message to a subscriber is taken for another: AWS's
 * documentation was not found to say so. A test counts commands and messages on a real server.
 */
export const registryCommands = {
  /** For a renewal of a node's registration and a search for dead nodes. */
  perBeat: 12,
  /** For a stream, from its first request to the delivery of its stop. */
  perStream: 40,
  /** Announcements of one stream, which the nodes with viewers of its channel receive. */
  announcementsPerStream: 2,
} as const;

/** Nodes other than its own on which a stream has viewers, on average: one in each of two other zones. */
const nodesWithViewers = 2;

/** The shortest time between two renewals of a node (s). */
const beatSeconds = 2.4;
/** The shortest time in which all streams of the fleet may reconnect after a failure that cut them all (s). */
const comebackSeconds = 30;
/** Factor for viewers' lookups, Lua's own time and the unforeseen. */
const reserve = 2;

/** The most that a serverless cache may hold (GB); a fleet's records take some MB. */
export const cacheGigabytes = 1;

/** The least cap that AWS takes (ECPU/s). */
const leastCap = 1000;
/**
 * What one hash slot, which holds all of the registry's keys, gives at most (ECPU/s): "ECPU per slot" of
 * https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/RedisConfiguration.html. Replicas give more, but only to reads.
 */
const mostOfOneSlot = 30_000;

/** ECPU a second with `nodes` that register, and when all `streams` reconnect at once. */
export function cacheLoad(nodes: number, streams: number): { readonly idle: number; readonly comeback: number } {
  const { perBeat, perStream, announcementsPerStream } = registryCommands;
  const idle = (nodes * perBeat) / beatSeconds;
  const perComeback = perStream + announcementsPerStream * nodesWithViewers;
  return { idle: Math.ceil(idle), comeback: Math.ceil(idle + (streams * perComeback) / comebackSeconds) };
}

/** The cap on a serverless cache (ECPU/s): the need of the largest fleet during a deploy, with a reserve. */
export function cacheCap({ maxTasks, slots, scaleSchedule = [] }: CacheUsers): number {
  const tasks = Math.max(maxTasks, ...scaleSchedule.map((entry) => entry.maxTasks));
  // Old tasks stay registered while they drain.
  const { comeback } = cacheLoad(2 * tasks, tasks * slots);
  const rounded = Math.ceil((reserve * comeback) / 1000) * 1000;
  return Math.min(Math.max(rounded, leastCap), mostOfOneSlot);
}

type CacheUsers = Pick<DeploymentConfig, 'maxTasks' | 'slots' | 'scaleSchedule'>;
