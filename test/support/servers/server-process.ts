import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Program, type ProgramEnd } from '../programs/program';

export const repositoryRoot = resolve(__dirname, '../../..');
export const bundlePath = join(repositoryRoot, '.build/rtmp-server.cjs');
/** The operators' program, built with the server. */
export const cliPath = join(repositoryRoot, '.build/rtmp-fleet.cjs');

let bundleChecked = false;

/** Builds the bundle if a source has changed since the last build; cheap otherwise. */
export function ensureBundle(): void {
  if (bundleChecked) return;
  execFileSync(process.execPath, ['service/build/build.mjs', '--if-changed'], { cwd: repositoryRoot, stdio: 'pipe' });
  bundleChecked = true;
}

export interface ServerOptions {
  /** Wait until it listens. False for starts that are meant to fail. Default true. */
  readonly waitUntilReady?: boolean;
  /** Working directory; default: an empty one that is removed with `stop`. */
  readonly cwd?: string;
  readonly timeoutMs?: number;
  /** Another Node, or a program that runs one with the rest of the command line as its last arguments. */
  readonly command?: readonly string[];
  /** Another path of the bundle. */
  readonly bundle?: string;
  readonly args?: readonly string[];
}

export type ServerEnvironment = Readonly<Record<string, string | undefined>>;

/** On loopback with a free port, every request logged; each entry can be overridden, or removed with undefined. */
const defaultEnvironment: ServerEnvironment = {
  RTMP_PORT: '0',
  BIND_ADDRESS: '127.0.0.1',
  LOG_REQUESTS: 'YES',
  DRAIN_SECONDS: '2',
};

/** The bundle, running as a separate process. */
export class ServerProcess {
  private constructor(
    readonly program: Program,
    private readonly temporaryCwd: string | undefined,
  ) {}

  /**
   * Starts it with nothing but `environment` (and PATH) in its environment. RTMPS listens on a free port when a
   * certificate is given, HTTP with `HTTP_PORT: '0'`.
   */
  static async start(environment: ServerEnvironment = {}, options: ServerOptions = {}): Promise<ServerProcess> {
    if (options.bundle === undefined) ensureBundle();
    const temporaryCwd = options.cwd === undefined ? mkdtempSync(join(tmpdir(), 'rtmp-server-')) : undefined;
    const tlsPort = environment['SSL_CERT'] === undefined ? {} : { SSL_PORT: '0' };
    const env = { PATH: process.env['PATH'], ...defaultEnvironment, ...tlsPort, ...environment };
    const [command, ...before] = options.command ?? [process.execPath];
    const args = [...before, options.bundle ?? bundlePath, ...(options.args ?? [])];
    const cwd = options.cwd ?? temporaryCwd;
    const program = new Program(command!, args, { env, cwd, timeoutMs: options.timeoutMs ?? 300_000 });
    const server = new ServerProcess(program, temporaryCwd);
    if (options.waitUntilReady !== false) await server.#untilReady(env);
    return server;
  }

  async #untilReady(env: ServerEnvironment): Promise<void> {
    const workers = Number(env['WORKERS'] ?? 1) || 1;
    await this.program.waitForOutput(new RegExp(`(?:${listening('RTMP').source}[^]*){${workers}}`));
    if (env['SSL_CERT'] !== undefined && env['SSL_KEY'] !== undefined)
      await this.program.waitForOutput(listening('RTMPS'));
    if (env['HTTP_PORT'] !== undefined) await this.program.waitForOutput(listening('HTTP'));
  }

  get rtmpPort(): number {
    return this.#port('RTMP');
  }

  get rtmpsPort(): number {
    return this.#port('RTMPS');
  }

  get httpPort(): number {
    return this.#port('HTTP');
  }

  get pid(): number {
    return this.program.pid;
  }

  get exited(): Promise<ProgramEnd> {
    return this.program.exited;
  }

  rtmpUrl(channel: string, key: string): string {
    return `rtmp://127.0.0.1:${this.rtmpPort}/${channel}/${key}`;
  }

  rtmpsUrl(channel: string, key: string): string {
    return `rtmps://127.0.0.1:${this.rtmpsPort}/${channel}/${key}`;
  }

  httpUrl(path: string): string {
    return `http://127.0.0.1:${this.httpPort}${path}`;
  }

  /** Its log so far. */
  get log(): string {
    return this.program.output;
  }

  waitForLog(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray> {
    return this.program.waitForOutput(pattern, timeoutMs);
  }

  /** Waits until `pattern` is in its log `count` times, and returns all matches. */
  waitForMatches(pattern: RegExp, count: number): Promise<RegExpExecArray[]> {
    return this.program.waitForMatches(pattern, count);
  }

  /** Asks it to end (SIGTERM unless told otherwise) and gives its exit code, null when a signal ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.program.signal(signal);
    try {
      return (await this.program.exited).code;
    } finally {
      if (this.temporaryCwd !== undefined) rmSync(this.temporaryCwd, { recursive: true, force: true });
    }
  }

  #port(protocol: string): number {
    const match = listening(protocol).exec(this.log);
    if (match === null) throw new Error(`the server does not listen for ${protocol}:\n${this.log}`);
    return Number(match[1]);
  }
}

/** `RTMP listening on 127.0.0.1:40123`, `RTMP listening on [::]:1935`, also within JSON lines. */
const listening = (protocol: string): RegExp => new RegExp(`\\b${protocol} listening on [^\\s"]*:(\\d+)`);
