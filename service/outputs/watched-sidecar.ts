import { type ChildProcess, spawn } from 'node:child_process';
import type { Logger } from '../logging/logger';
import { Backoff } from '../time/backoff';

/** Tells the program that another process of it starts it again when it ends. */
export const WATCHED_VARIABLE = 'RTMP_OUTPUTS_WATCHED';

/** A program that ran for longer than this had lasted (ms). */
const LASTED_MS = 60_000;

export interface WatchedSidecarOptions {
  /** Sets the listener of the signals that ask the program to end. */
  readonly onSignal: (ends: (signal: NodeJS.Signals) => void) => void;
  readonly log: Logger;
  /** Default: this program. */
  readonly program?: readonly string[];
  /** Default: a second, doubled up to half a minute, with jitter. */
  readonly backoff?: Backoff;
}

/**
 * Runs the program of a sidecar as a child process, and starts it again whenever it ends. The container goes on: ECS
 * does not restart a container that ended within a minute of its start, and the kernel, when the container's memory is
 * used up, ends the child alone.
 *
 * @returns when a signal has asked for the end and the child has ended: its exit code
 */
export async function watchSidecar({ onSignal, log, program, backoff }: WatchedSidecarOptions): Promise<number> {
  const pauses = backoff ?? new Backoff(1_000, 30_000);
  let child: ChildProcess | undefined;
  const end = new AbortController();
  const isEnding = (): boolean => end.signal.aborted;
  let wake = (): void => undefined;
  onSignal((signal) => {
    end.abort();
    child?.kill(signal);
    wake();
  });
  for (;;) {
    const startedAt = performance.now();
    child = start(program ?? [...process.execArgv, process.argv[1] ?? '']);
    const { code, ...fields } = await endOf(child);
    child = undefined;
    if (isEnding()) return code ?? 1;
    if (performance.now() - startedAt > LASTED_MS) pauses.reset();
    const delayMs = Math.round(pauses.next());
    log.error('rtmp-outputs ended, it is started again', { ...(code !== null && { code }), ...fields, delayMs });
    await new Promise<void>((resolve) => {
      wake = resolve;
      setTimeout(resolve, delayMs);
    });
    if (isEnding()) return 0;
  }
}

/** Its standard input is open for as long as this process lives, so that it does not outlive this process. */
function start(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...process.env, [WATCHED_VARIABLE]: '1' },
  });
  child.stdin.on('error', () => undefined);
  return child;
}

interface End {
  readonly code: number | null;
  readonly signal?: string;
  readonly reason?: string;
}

function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, ...(signal !== null && { signal }) }));
    child.once('error', ({ message }) => resolve({ code: null, reason: message }));
  });
}
