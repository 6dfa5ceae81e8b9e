import { type ChildProcess, spawn, spawnSync, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { StringDecoder } from 'node:string_decoder';
import { watchProgram } from '../leaks/watched-logs';

export interface RunningProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** A channel for messages, for programs that are Node.js. */
  readonly ipc?: boolean;
  /** Called with each line of its output. */
  readonly onLine?: (line: string) => void;
}

const MAX_KEPT_CHARACTERS = 4_000_000;

/** Where Linux allows it, a program ends with this process even when this process is killed. */
const endsWithThis = ['--pdeathsig', 'KILL', '--'];
const canEndWithThis = spawnSync('setpriv', [...endsWithThis, 'true']).status === 0;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * A program in the background, for tests and other programs. It is a separate process group, so that Ctrl-C in a
 * terminal does not reach it: its starter ends it, in the starter's order. It ends with this process.
 */
export class RunningProgram {
  readonly child: ChildProcess;
  /** Resolves with its exit code, null when a signal ended it; rejects when it could not be started. */
  readonly exited: Promise<number | null>;
  #output = '';
  #line = '';
  readonly #wakers = new Set<() => void>();

  constructor(
    private readonly command: string,
    args: readonly string[],
    private readonly options: RunningProgramOptions = {},
  ) {
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(options.ipc === true ? (['ipc'] as const) : [])];
    const [program, before] = canEndWithThis ? ['setpriv', [...endsWithThis, command]] : [command, []];
    this.child = spawn(program, [...before, ...args], { env: options.env, cwd: options.cwd, detached: true, stdio });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      const decoder = new StringDecoder('utf8');
      stream?.on('data', (bytes: Buffer) => this.#receive(decoder.write(bytes)));
    }
    running.add(this.child);
    watchProgram([command, ...args], options.env ?? {}, () => this.#output);
    this.exited = once(this.child, 'close').then(([code]) => code as number | null);
    const wake = (): void => {
      running.delete(this.child);
      for (const waker of this.#wakers) waker();
    };
    this.exited.then(wake, wake);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.command} did not start`);
    return this.child.pid;
  }

  get isRunning(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Standard output and error; the end of it, if it is long. */
  get output(): string {
    return this.#output;
  }

  /** Waits for `pattern` anywhere in the output, earlier output included. */
  async waitForOutput(pattern: RegExp, timeoutMs = 15_000): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      if (deadline.aborted || !this.isRunning) {
        const why = this.isRunning ? `within ${timeoutMs} ms` : 'before it ended';
        throw new Error(`${this.command}: no ${String(pattern)} ${why}:\n${this.#output.slice(-4000)}`);
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#wakers.delete(wake);
          deadline.removeEventListener('abort', wake);
          resolve();
        };
        this.#wakers.add(wake);
        deadline.addEventListener('abort', wake);
      });
    }
  }

  /** Asks it to end (SIGTERM), and kills it after `graceMs`. Resolves when it has ended. */
  async stop(graceMs = 2_000): Promise<void> {
    if (!this.isRunning) return;
    this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), graceMs);
    await this.exited.catch(() => undefined);
    clearTimeout(late);
  }

  #receive(text: string): void {
    this.#output = (this.#output + text).slice(-MAX_KEPT_CHARACTERS);
    for (const waker of this.#wakers) waker();
    if (this.options.onLine === undefined) return;
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) this.options.onLine(line);
  }
}
