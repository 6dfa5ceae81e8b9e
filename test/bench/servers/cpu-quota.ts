import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LaunchPlan } from './server-kind';

const PERIOD_US = 100_000;
/** Control groups, version 1 and 2: https://docs.kernel.org/scheduler/sched-bwc.html and admin-guide/cgroup-v2.html. */
const V1 = '/sys/fs/cgroup/cpu';
const V2 = '/sys/fs/cgroup';

/**
 * The CPU time that a Fargate task has: a part of a core, given out in periods of 100 ms. A program that has used its part
 * stands still until the next period. Only root may set it.
 */
export class CpuQuota {
  private constructor(private readonly directory: string) {}

  /** A quota of so many cores, 0.25 or 1 for example. */
  static create(cores: number): CpuQuota {
    const quota = Math.round(cores * PERIOD_US);
    const name = `rtmp-bench-${process.pid}`;
    try {
      const isV1 = existsSync(join(V1, 'cpu.cfs_quota_us'));
      const directory = join(isV1 ? V1 : V2, name);
      if (!isV1) writeFileSync(join(V2, 'cgroup.subtree_control'), '+cpu');
      mkdirSync(directory);
      if (isV1) {
        writeFileSync(join(directory, 'cpu.cfs_period_us'), String(PERIOD_US));
        writeFileSync(join(directory, 'cpu.cfs_quota_us'), String(quota));
      } else {
        writeFileSync(join(directory, 'cpu.max'), `${quota} ${PERIOD_US}`);
      }
      return new CpuQuota(directory);
    } catch (error) {
      throw new Error('--cpus: only root, where control groups can be written, can limit the CPU time of a program', {
        cause: error,
      });
    }
  }

  /** The program and all that it starts have this quota together. */
  limited({ command, args, ...plan }: LaunchPlan): LaunchPlan {
    const enter = `echo $$ > ${join(this.directory, 'cgroup.procs')} && exec "$0" "$@"`;
    return { ...plan, command: 'sh', args: ['-c', enter, command, ...args] };
  }

  /** Once all its programs have ended. */
  remove(): void {
    rmdirSync(this.directory);
  }
}
