import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis, type RedisOptions } from 'ioredis';
import type { TestCa } from './test-ca';

export interface RedisServerOptions {
  readonly password?: string;
  /** TLS only, with this certificate. */
  readonly tls?: TestCa;
  /** Lines of an ACL file, `user NAME …`. */
  readonly acl?: readonly string[];
  /** Further arguments of redis-server. */
  readonly args?: readonly string[];
}

/** A real redis-server of the test's own, on a free port of 127.0.0.1, that keeps nothing on disk. */
export class RedisServer {
  readonly host = '127.0.0.1';
  private process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly directory: string,
    private readonly options: RedisServerOptions,
  ) {}

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const directory = mkdtempSync(join(tmpdir(), 'redis-'));
    for (let attempt = 1; ; attempt += 1) {
      const server = new RedisServer(await freePort(), directory, options);
      try {
        await server.start();
        return server;
      } catch (error) {
        // Somebody else may have taken the port since.
        if (attempt === 5) {
          rmSync(directory, { recursive: true, force: true });
          throw error;
        }
      }
    }
  }

  get pid(): number {
    if (this.process?.pid === undefined) {
      throw new Error('redis-server is not running');
    }
    return this.process.pid;
  }

  /** Starts it, also again after `stop` or `kill`: on the same port, with nothing left of before. */
  async start(): Promise<void> {
    const { acl, args = [], password, tls } = this.options;
    const all = ['--bind', this.host, '--dir', this.directory, '--save', '', '--appendonly', 'no', '--daemonize', 'no'];
    if (tls) {
      all.push('--port', '0', '--tls-port', String(this.port), '--tls-auth-clients', 'no');
      all.push('--tls-cert-file', tls.certPath, '--tls-key-file', tls.keyPath, '--tls-ca-cert-file', tls.caPath);
    } else {
      all.push('--port', String(this.port));
    }
    if (password !== undefined) {
      all.push('--requirepass', password);
    }
    if (acl) {
      const aclPath = join(this.directory, 'users.acl');
      writeFileSync(aclPath, `${acl.join('\n')}\n`);
      all.push('--aclfile', aclPath);
    }
    const child = spawn('redis-server', [...all, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const endWithTest = (): void => void child.kill('SIGKILL');
    process.once('exit', endWithTest);
    child.once('exit', () => process.off('exit', endWithTest));
    await untilReady(child);
    this.process = child;
  }

  /** Ends it in order: connections are closed. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** Ends it without warning. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Freezes it: connections stay open, nothing is answered. */
  suspend(): void {
    this.process?.kill('SIGSTOP');
  }

  resume(): void {
    this.process?.kill('SIGCONT');
  }

  /** Ends it and removes its directory. */
  async remove(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Does something with a connection of its own; `as` gives other credentials than the password. */
  async withClient<T>(use: (client: Redis) => Promise<T>, as: RedisOptions = {}): Promise<T> {
    const { password, tls } = this.options;
    const client = new Redis({
      host: this.host,
      port: this.port,
      retryStrategy: () => null,
      ...(password !== undefined && { password }),
      ...(tls && { tls: { ca: tls.ca } }),
      ...as,
    });
    client.on('error', () => undefined);
    try {
      return await use(client);
    } finally {
      client.disconnect();
    }
  }

  /** Publishes a message; gives the number of subscribers that it went to. */
  async publish(channel: string, message: string): Promise<number> {
    return this.withClient((client) => client.publish(channel, message));
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (child?.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      // One that is suspended hears only SIGKILL.
      child.kill('SIGCONT');
      await ended;
    }
  }
}

async function untilReady(child: ChildProcess): Promise<void> {
  const output: string[] = [];
  if (!child.stdout) {
    throw new Error('redis-server has no output');
  }
  const lines = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`redis-server ended:\n${output.join('\n')}`)));
    lines.on('line', (line) => {
      output.push(line);
      if (line.includes('Ready to accept connections')) {
        resolve();
      }
    });
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
