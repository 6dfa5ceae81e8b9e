import cluster from 'node:cluster';

/**
 * The signals that ask a process to end. To be imported before anything else: in a container the program is process 1,
 * for which a signal that nobody listens to is lost, and any other process dies of it without an exit code.
 */
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** A process that has not begun anything yet has nothing to finish. When a worker ends, the parent process says. */
let listener: (signal: string) => void = cluster.isWorker ? () => undefined : () => process.exit(0);

for (const name of SIGNALS) process.on(name, (signal) => listener(signal));

/** From now on these signals mean this. */
export function onEndSignal(ends: (signal: string) => void): void {
  listener = ends;
}
