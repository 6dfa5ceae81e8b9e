import type { DeploymentConfig } from './deployment-config';

/**
 * What the fleet's registry asks of its cache, in commands, those inside of scripts included. An ElastiCache processing
 * unit (ECPU) is one command that is short and moves at most 1 KB; each message that a subscriber gets is counted as one
 * more. A test counts them on a real server.
 */
export const registryCommands = {
  /** A renewal of a node's registration and its look for dead nodes. */
  perBeat: 12,
  /** A stream from its first request to the delivery of its stop. */
  perStream: 40,
  /** Announcements of one stream, which every node hears. */
  announcementsPerStream: 2,
} as const;

/** The shortest time between two renewals of a node (s). */
const beatSeconds = 2.4;
/** So fast all streams of the fleet may come back after an accident that cut them all (s). */
const comebackSeconds = 30;
/** For viewers' searches, Lua's own time and what was not thought of. */
const reserve = 2;

/** The most that a serverless cache may hold (GB); a fleet's records take some MB. */
export const cacheGigabytes = 1;

/** Bounds that AWS sets: of the cap, and of what one slot of a cache takes, as the registry's keys are all in one. */
const leastCap = 1000;
const mostOfOneSlot = 30_000;

/** ECPU a second with `nodes` that register and `streams` that come back all at once. */
export function cacheLoad(nodes: number, streams: number): { readonly idle: number; readonly comeback: number } {
  const { perBeat, perStream, announcementsPerStream } = registryCommands;
  const idle = (nodes * perBeat) / beatSeconds;
  const perComeback = perStream + announcementsPerStream * nodes;
  return { idle: Math.ceil(idle), comeback: Math.ceil(idle + (streams * perComeback) / comebackSeconds) };
}

/** The cap on a serverless cache (ECPU/s): what the fleet at its largest needs, during a deploy, with a reserve. */
export function cacheCap({ maxTasks, slots, scaleSchedule = [] }: CacheUsers): number {
  const tasks = Math.max(maxTasks, ...scaleSchedule.map((entry) => entry.maxTasks));
  // Old tasks stay registered while they drain.
  const { comeback } = cacheLoad(2 * tasks, tasks * slots);
  const rounded = Math.ceil((reserve * comeback) / 1000) * 1000;
  return Math.min(Math.max(rounded, leastCap), mostOfOneSlot);
}

type CacheUsers = Pick<DeploymentConfig, 'maxTasks' | 'slots' | 'scaleSchedule'>;
