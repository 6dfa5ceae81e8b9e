import { type ChildProcess, spawn, spawnSync, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { descendants } from '../measure/process-tree';
import type { LaunchPlan } from './server-kind';

const STOP_TIMEOUT_MS = 8_000;

const running = new Set<ChildProcess>();

/** Kills all started programs when the benchmark ends, for any reason. */
process.on('exit', () => running.forEach(killTree));

/** Starts a program that may use the given CPU cores only. The process id is the program's own: taskset execs it. */
export function spawnPinned(
  plan: LaunchPlan,
  cores: readonly number[],
  cwd: string,
  stdio: StdioOptions,
): ChildProcess {
  const child = spawn('taskset', ['-c', cores.join(','), plan.command, ...plan.args], {
    cwd,
    stdio,
    env: { PATH: process.env['PATH'], ...plan.env },
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

/** Asks the program to end and kills it with all its children if it has not ended within 8 s. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const timer = setTimeout(() => killTree(child), STOP_TIMEOUT_MS);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

function killTree(child: ChildProcess): void {
  if (child.pid === undefined) return;
  for (const pid of descendants(child.pid)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** Restricts a running program to the given CPU cores, at this priority (-20..19, lower runs first). */
export function pinToCores(pid: number, cores: readonly number[], priority: number): void {
  spawnSync('taskset', ['-a', '-p', '-c', cores.join(','), String(pid)]);
  setPriority(pid, priority);
}
