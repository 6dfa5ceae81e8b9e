import { appendFileSync, readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * Loaded into the processes of the server before their own code (NODE_OPTIONS): writes every few seconds what a process
 * holds, as a line of JSON, to the file `$SOAK_PROBE.<process id>`.
 */
export interface ProbeSample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Arguments of the process. */
  readonly program: string;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
  readonly descriptors: number;
  /** What keeps the event loop alive, by kind: sockets, servers, timers. */
  readonly resources: Readonly<Record<string, number>>;
  /** Longest wait of a timer (ms), and the 99th percentile. */
  readonly delayMaxMs: number;
  readonly delayP99Ms: number;
}

const RESOLUTION_MS = 20;

const directory = process.env['SOAK_PROBE'];
if (directory !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const timer = setInterval(
    () => {
      const { rss, heapUsed, external } = process.memoryUsage();
      const resources: Record<string, number> = {};
      for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
      const sample: ProbeSample = {
        at: Date.now(),
        program: process.argv.slice(1).join(' '),
        rssBytes: rss,
        heapBytes: heapUsed,
        externalBytes: external,
        descriptors: readdirSync('/proc/self/fd').length,
        resources,
        delayMaxMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS),
        delayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS),
      };
      delay.reset();
      appendFileSync(`${directory}.${process.pid}`, `${JSON.stringify(sample)}\n`);
    },
    Number(process.env['SOAK_PROBE_MS'] ?? '5000'),
  );
  timer.unref();
}
