import cluster from 'node:cluster';

/**
 * The signals that ask a process to end. To be imported before anything else: in a container the program is process 1,
 * which never gets a signal without a listener; any other process would die of the signal, without an exit code.
 */
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Until the start, there is nothing to finish. A worker ignores signals: its parent process tells it when to end. */
let listener: (signal: string) => void = cluster.isWorker ? () => undefined : () => process.exit(0);

for (const name of SIGNALS) process.on(name, (signal) => listener(signal));

/** Sets the listener of these signals. */
export function onEndSignal(ends: (signal: string) => void): void {
  listener = ends;
}
