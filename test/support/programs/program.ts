import { afterAll } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { watchProgram } from '../leaks/watched-logs';

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The program is killed, and `exited` rejects, when it still runs after this long. Default 60 s. */
  readonly timeoutMs?: number;
  /** Runs it in a separate process group, so that a signal reaches its child processes too. */
  readonly ownGroup?: boolean;
}

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const running = new Set<Program>();

// Programs that a test leaves running end with the tests of its file.
afterAll(async () => {
  await Promise.all([...running].map((program) => program.kill()));
});

/** A child process whose output is kept. It never outlives the test file that started it. */
export class Program {
  readonly child: ChildProcess;
  readonly exited: Promise<ProgramEnd>;
  #output = '';
  #stdout: Buffer[] = [];
  #onOutput = new Set<() => void>();
  #end: ProgramEnd | undefined;

  constructor(
    readonly command: string,
    readonly args: readonly string[],
    private readonly options: ProgramOptions = {},
  ) {
    const { env, cwd, timeoutMs = 60_000, ownGroup = false } = options;
    this.child = spawn(command, args, { env, cwd, detached: ownGroup, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (bytes: Buffer) => {
      this.#stdout.push(bytes);
      this.#addOutput(bytes.toString());
    });
    this.child.stderr?.on('data', (bytes: Buffer) => this.#addOutput(bytes.toString()));
    running.add(this);
    watchProgram([command, ...args], env ?? {}, () => this.#output);
    this.exited = this.#watch(timeoutMs);
    this.exited.catch(() => {}); // only callers that wait for the end need the rejection
  }

  async #watch(timeoutMs: number): Promise<ProgramEnd> {
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort();
      this.signal('SIGKILL');
    }, timeoutMs);
    try {
      this.#end = await new Promise<ProgramEnd>((resolve, reject) => {
        this.child.once('error', reject);
        this.child.once('close', (code, signal) => resolve({ code, signal }));
      });
    } finally {
      clearTimeout(timer);
      running.delete(this);
      for (const wake of this.#onOutput) wake();
    }
    if (late.signal.aborted) throw new Error(`${this.#name} was still running after ${timeoutMs} ms:\n${this.#tail()}`);
    return this.#end;
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.command} did not start`);
    return this.child.pid;
  }

  get isRunning(): boolean {
    return running.has(this);
  }

  /** stdout and stderr so far, as they came. */
  get output(): string {
    return this.#output;
  }

  get stdout(): Buffer {
    return Buffer.concat(this.#stdout);
  }

  /** Waits for `pattern` anywhere in the output, earlier output included. */
  async waitForOutput(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray> {
    return (await this.waitForMatches(pattern, 1, timeoutMs))[0]!;
  }

  /** Waits until `pattern` is in the output `count` times, and returns all matches. */
  async waitForMatches(pattern: RegExp, count: number, timeoutMs = 15_000): Promise<RegExpExecArray[]> {
    const deadline = Date.now() + timeoutMs;
    const everywhere = new RegExp(pattern, `${pattern.flags.replace('g', '')}g`);
    for (;;) {
      const matches = [...this.#output.matchAll(everywhere)];
      if (matches.length >= count) return matches;
      const leftMs = deadline - Date.now();
      if (!this.isRunning || leftMs <= 0) {
        const why = this.isRunning ? `not within ${timeoutMs} ms` : `it ended with ${JSON.stringify(this.#end)}`;
        throw new Error(`${this.#name}: no ${String(pattern)} in the output, ${why}:\n${this.#tail()}`);
      }
      await this.#moreOutput(leftMs);
    }
  }

  #moreOutput(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#onOutput.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#onOutput.add(wake);
    });
  }

  /** Resolves when it ended with code 0; rejects with the last lines of its output otherwise. */
  async succeeded(): Promise<this> {
    const { code, signal } = await this.exited;
    if (code !== 0) throw new Error(`${this.#name} ended with ${signal ?? code}:\n${this.#tail()}`);
    return this;
  }

  /** Sends a signal to the process, or to its whole group if it has one. A process that has ended is no error. */
  signal(signal: NodeJS.Signals): void {
    if (this.child.pid === undefined || this.#end !== undefined) return;
    try {
      process.kill(this.options.ownGroup ? -this.child.pid : this.child.pid, signal);
    } catch {
      // it ended meanwhile
    }
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited.catch(() => {});
  }

  get #name(): string {
    return [this.command, ...this.args].join(' ').slice(0, 200);
  }

  #addOutput(text: string): void {
    this.#output += text;
    for (const wake of this.#onOutput) wake();
  }

  #tail(): string {
    return this.#output.split('\n').slice(-25).join('\n');
  }
}
