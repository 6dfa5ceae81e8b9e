import { type ChildProcess, spawn } from 'node:child_process';
import type { Logger } from '../../logging/logger';
import { Backoff } from '../../time/backoff';

export interface OutputsChildOptions {
  /** The bundle of `rtmp-outputs`. */
  readonly program: string;
  /** How the child reaches this process. Written to its standard input: neither environment nor arguments show it. */
  readonly link: () => { readonly port: number; readonly token: string };
  readonly log: Logger;
  /** Default: a second, doubled up to half a minute, with jitter. */
  readonly backoff?: Backoff;
}

/** Tells the program that it is a child, whose settings are those of the node. */
export const CHILD_VARIABLE = 'RTMP_OUTPUTS_CHILD';

/** A child that ran for longer than this had lasted (ms). */
const LASTED_MS = 60_000;
/** After the time to finish, how long the child has until it is killed (ms). */
const KILL_MARGIN_MS = 1_000;

/**
 * Runs `rtmp-outputs` as a child process, and starts it again whenever it ends. Its standard input stays open for as
 * long as this process lives: the child sees its end even when this process is killed.
 */
export class OutputsChild {
  readonly #options: OutputsChildOptions;
  readonly #backoff: Backoff;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(options: OutputsChildOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? new Backoff(1_000, 30_000);
  }

  /** undefined while none runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    if (this.#stopping) return;
    const { program, link, log } = this.#options;
    const startedAt = performance.now();
    const child = spawn(process.execPath, [...process.execArgv.filter(isForChildren), program], {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { ...process.env, [CHILD_VARIABLE]: '1' },
    });
    this.#child = child;
    // The child may end before it has read.
    child.stdin.on('error', () => undefined);
    child.stdin.write(`${JSON.stringify(link())}\n`);
    let isOver = false;
    const ended = (fields: { readonly code?: number; readonly signal?: string; readonly reason?: string }): void => {
      if (isOver) return;
      isOver = true;
      this.#child = undefined;
      child.stdin.destroy();
      if (this.#stopping) return;
      if (performance.now() - startedAt > LASTED_MS) this.#backoff.reset();
      const delayMs = Math.round(this.#backoff.next());
      log.error('rtmp-outputs ended, it is started again', { ...fields, delayMs });
      this.#restart = setTimeout(() => this.start(), delayMs);
    };
    child.on('exit', (code, signal) => ended({ ...(code !== null && { code }), ...(signal !== null && { signal }) }));
    child.on('error', (error) => ended({ reason: error.message }));
  }

  /** The program was told to finish: waits for its end, and kills it when the time is over. */
  async stop(withinMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const killer = setTimeout(() => child.kill('SIGKILL'), withinMs + KILL_MARGIN_MS);
      child.once('exit', () => {
        clearTimeout(killer);
        resolve();
      });
      child.stdin?.end();
    });
  }
}

/** Limits of memory; not what opens a port or writes a file of the node's own. */
function isForChildren(argument: string): boolean {
  return argument.startsWith('--max-');
}
