import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTreeUsage, type TreeUsage } from '../measure/process-tree';
import type { StreamAddress } from '../wire/stream-address';
import { spawnPinned, stopProcess } from './pinned-process';
import type { CpuQuota } from './cpu-quota';
import type { LaunchOptions, LaunchPlan, ServerKind } from './server-kind';
import { prepareHaproxy, writeCertificate } from './tls-front';

/** How clients reach the server: plain, TLS in the server itself, or TLS ended by HAProxy in front of it. */
export type Transport = 'rtmp' | 'rtmps' | 'rtmps-haproxy';

/** How players get streams; other than `rtmp` only from this project's server. */
export type PlayerProtocol = 'rtmp' | 'http-flv' | 'ws-flv';

export interface StartOptions {
  /** Cores that the server, and HAProxy with it, may use. */
  readonly cores: readonly number[];
  readonly transport: Transport;
  /** Default: `rtmp`. */
  readonly playerProtocol?: PlayerProtocol;
  readonly env: Readonly<Record<string, string>>;
  readonly profile: LaunchOptions['profile'];
  /** Most descriptors that the server may open (`ulimit -n`); default: as the system allows. */
  readonly descriptors?: number | undefined;
  /** What its processes may use of their cores, together; default: all. */
  readonly quota?: CpuQuota | undefined;
}

const START_TIMEOUT_MS = 15_000;
const LOOPBACK = '127.0.0.1';

/** A started server: the addresses of its streams, its resource usage, and the way to end it. */
export class RunningServer {
  /** The command line, without the pinning. */
  command = '';
  private readonly processes: ChildProcess[] = [];

  private constructor(
    /** Pattern of the addresses of streams. */
    readonly streams: StreamAddress,
    private readonly directory: string,
  ) {}

  /** Resolves when the server accepts connections. Rejects with the end of its log when it does not within 15 s. */
  static async start(kind: ServerKind, options: StartOptions): Promise<RunningServer> {
    const port = await freePort();
    const tlsPort = options.transport === 'rtmp' ? undefined : await freePort();
    const directory = mkdtempSync(join(tmpdir(), 'rtmp-bench-'));
    const address = { host: LOOPBACK, port: tlsPort ?? port, tls: tlsPort !== undefined };
    const { playerProtocol = 'rtmp' } = options;
    const httpPort = playerProtocol === 'rtmp' ? undefined : await freePort();
    const flv = httpPort === undefined ? undefined : { port: httpPort, isWebSocket: playerProtocol === 'ws-flv' };
    const server = new RunningServer({ ...address, ...kind.names, flv }, directory);
    try {
      if (tlsPort !== undefined) writeCertificate(directory);
      const ownTlsPort = options.transport === 'rtmps' ? tlsPort : undefined;
      const { profile } = options;
      const env = { ...options.env, ...(httpPort !== undefined && httpEnv(httpPort)) };
      const plan = kind.prepare({ port, directory, env, tlsPort: ownTlsPort, profile });
      const start = limited(plan, options.descriptors);
      await server.launch(options.quota?.limited(start) ?? start, options.cores, port);
      if (ownTlsPort !== undefined) await server.accepts(ownTlsPort);
      if (options.transport === 'rtmps-haproxy' && tlsPort !== undefined) {
        await server.launch(prepareHaproxy(directory, tlsPort, port), options.cores, tlsPort);
      }
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** CPU time and memory of all processes. */
  usage(): TreeUsage {
    const trees = this.processes.map((child) => readTreeUsage(child.pid ?? 0));
    return {
      cpuSeconds: trees.reduce((sum, tree) => sum + tree.cpuSeconds, 0),
      rssBytes: trees.reduce((sum, tree) => sum + tree.rssBytes, 0),
      perProcess: trees.flatMap((tree) => tree.perProcess),
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map(stopProcess));
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async launch(plan: LaunchPlan, cores: readonly number[], port: number): Promise<void> {
    const log = openSync(this.logFile, 'a');
    this.processes.push(spawnPinned(plan, cores, this.directory, ['ignore', log, log]));
    closeSync(log);
    const line = [plan.command, ...plan.args].join(' ');
    this.command = this.command === '' ? line : `${this.command} + ${line}`;
    await this.accepts(port);
  }

  private async accepts(port: number): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await canConnect(port))) {
      const ended = this.processes.some((child) => child.exitCode !== null || child.signalCode !== null);
      if (ended || Date.now() > deadline) throw new Error(`the server did not start:\n${this.endOfLog()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  private get logFile(): string {
    return join(this.directory, 'output.log');
  }

  /** Bytes that the server has written to its output. */
  get logBytes(): number {
    return statSync(this.logFile).size;
  }

  /** The end of the server's output. */
  endOfLog(): string {
    return readFileSync(this.logFile, 'utf8').slice(-2000);
  }
}

function limited(plan: LaunchPlan, descriptors: number | undefined): LaunchPlan {
  if (descriptors === undefined) return plan;
  return { ...plan, command: 'prlimit', args: [`--nofile=${descriptors}`, plan.command, ...plan.args] };
}

/** Players over HTTP, without a limit. */
function httpEnv(port: number): Record<string, string> {
  return { HTTP_PORT: String(port), HTTP_MAX_PLAYERS: '1000000' };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, LOOPBACK, () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
