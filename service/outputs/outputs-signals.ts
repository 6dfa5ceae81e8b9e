/**
 * The signals that ask the program to end. To be imported before anything else: in a container the program is process 1,
 * which never gets a signal without a listener. A child ignores them, because they reach the node too (Ctrl-C, a service
 * manager), and the node says when everything has come: it ends with the node in any case.
 */
const isChild = process.env.RTMP_OUTPUTS_CHILD === '1';
let listener: (signal: NodeJS.Signals) => void = isChild ? () => undefined : () => process.exit(0);

for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, (signal) => listener(signal));

/** Sets the listener of these signals. */
export function onOutputsSignal(ends: (signal: NodeJS.Signals) => void): void {
  listener = ends;
}
