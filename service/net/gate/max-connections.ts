import { readFileSync } from 'node:fs';

/** Descriptors that are not for clients: listeners, HTTP clients, callbacks, Redis, files, and some to spare. */
const RESERVED_DESCRIPTORS = 600;
/** At most this share of all descriptors. */
const RESERVED_SHARE = 0.5;
const LEAST_CONNECTIONS = 16;
/** Descriptors that are assumed where the system does not tell its limit. */
const UNKNOWN_LIMIT = 10_000;

/**
 * Most connections that this process can have: as many as it may open descriptors (`ulimit -n`), less those that it
 * needs itself. Without descriptors, all connections fail, those of the callback and of health checks included.
 *
 * @param readLimits gives the text of /proc/self/limits (proc(5)); it throws where there is none
 */
export function maxConnections(readLimits = () => readFileSync('/proc/self/limits', 'utf8')): number {
  const descriptors = openFileLimit(readLimits) ?? UNKNOWN_LIMIT;
  return Math.max(
    LEAST_CONNECTIONS,
    descriptors - Math.min(RESERVED_DESCRIPTORS, Math.ceil(descriptors * RESERVED_SHARE)),
  );
}

function openFileLimit(readLimits: () => string): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(readLimits()) ?? [];
    return soft === undefined || soft === 'unlimited' ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
