import { readdirSync, readFileSync } from 'node:fs';

/** Linux reports CPU time of processes in ticks of 10 ms on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** CPU time and memory of a process and all its descendants. */
export interface TreeUsage {
  /** User and system time, ended children included. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** CPU seconds of each process, in order of its id. */
  readonly perProcess: readonly number[];
}

/** Reads /proc. A process that ends meanwhile is not counted: its time is included in its parent's then. */
export function readTreeUsage(rootPid: number): TreeUsage {
  const usages = descendants(rootPid).map((pid) => ({ cpuSeconds: cpuSeconds(pid), rssBytes: rssBytes(pid) }));
  return {
    cpuSeconds: usages.reduce((sum, usage) => sum + usage.cpuSeconds, 0),
    rssBytes: usages.reduce((sum, usage) => sum + usage.rssBytes, 0),
    perProcess: usages.map((usage) => usage.cpuSeconds),
  };
}

/** `pid` and all processes below it, parents first. */
export function descendants(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(descendants)];
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/**
 * The threads' own run times, which are exact, and the time of ended children, which is available in ticks only. A
 * server's threads live as long as the server.
 */
function cpuSeconds(pid: number): number {
  try {
    const nanoseconds = readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + runTime(pid, thread), 0);
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name in parentheses may hold spaces; cutime and cstime are fields 16 and 17.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ofChildren = fields.slice(13, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
    return nanoseconds / 1e9 + ofChildren / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

/** The first field of schedstat: nanoseconds on a core. */
function runTime(pid: number, thread: string): number {
  return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
}

function rssBytes(pid: number): number {
  try {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
