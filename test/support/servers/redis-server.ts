import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { cacheAccess } from '../../../infra/cache/cache-access';
import { refusedInScripts, unavailableCommands } from './serverless-commands';
import { ServerlessFront, TIME_OF_CLIENTS } from './serverless-front';
import type { TestCa } from './test-ca';

export interface RedisServerOptions {
  readonly password?: string;
  /** TLS only, with this certificate. */
  readonly tls?: TestCa;
  /** Lines of an ACL file, `user NAME …`; on a serverless one in addition to its users. */
  readonly acl?: readonly string[];
  /** Further arguments of redis-server. */
  readonly args?: readonly string[];
  /**
   * `serverless`: like ElastiCache Serverless, one node of a cluster that owns all slots, without the commands that
   * those caches lack, and with the users that are deployed there. Default `plain`.
   */
  readonly kind?: RedisKind;
}

export type RedisKind = 'plain' | 'serverless';

/** For tests that have to pass on both. */
export const redisKinds: readonly RedisKind[] = ['plain', 'serverless'];

/** A client's credentials; empty where no login is needed. */
export interface RedisLogin {
  readonly username?: string;
  readonly password?: string;
}

/** The user for the test itself, and the deployed users; each has its name as its password. */
const SERVERLESS_USERS = [
  'user default on nopass ~* &* +@all',
  `user service >service ${cacheAccess('rtmp_commands').service}`,
  `user operator >operator ${cacheAccess('rtmp_commands').operator}`,
];
const SLOTS = 16_384;

/** A real redis-server of the test's own, on a free port of 127.0.0.1, that keeps nothing on disk. */
export class RedisServer {
  readonly host = '127.0.0.1';
  private process: ChildProcess | undefined;
  private front: ServerlessFront | undefined;

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
        // Another program may have taken the port meanwhile.
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

  /** Credentials of a role, for the tested program. */
  login(role: 'service' | 'operator'): RedisLogin {
    return this.options.kind === 'serverless' ? { username: role, password: role } : {};
  }

  /** Starts it, also again after `stop` or `kill`: on the same port, without the earlier data. */
  async start(): Promise<void> {
    const { args = [], password, tls, kind } = this.options;
    const acl = [...(kind === 'serverless' ? SERVERLESS_USERS : []), ...(this.options.acl ?? [])];
    const port = kind === 'serverless' ? await freePort() : this.port;
    const all = ['--bind', this.host, '--dir', this.directory, '--save', '', '--appendonly', 'no', '--daemonize', 'no'];
    if (tls) {
      all.push('--port', '0', '--tls-port', String(this.port), '--tls-auth-clients', 'no');
      all.push('--tls-cert-file', tls.certPath, '--tls-key-file', tls.keyPath, '--tls-ca-cert-file', tls.caPath);
    } else {
      all.push('--port', String(port));
    }
    if (kind === 'serverless') {
      all.push('--cluster-enabled', 'yes', '--cluster-port', String(await freePort()));
      for (const command of unavailableCommands) all.push('--rename-command', command, '');
      for (const command of refusedInScripts) all.push('--rename-command', command, TIME_OF_CLIENTS);
    }
    if (password !== undefined) {
      all.push('--requirepass', password);
    }
    if (acl.length > 0) {
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
    if (kind !== 'serverless') return;
    this.front = await ServerlessFront.start(this.port, port);
    await this.withClient((client) => ownAllSlots(client));
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

  /** Runs `use` with a separate connection; `as` gives other credentials than the password. */
  async withClient<T>(use: (client: Redis) => Promise<T>, as: RedisOptions = {}): Promise<T> {
    const { password, tls } = this.options;
    const client = new Redis({
      host: this.host,
      port: this.port,
      retryStrategy: () => null,
      // It asks for INFO, which few users may.
      enableReadyCheck: false,
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

  /** Publishes a message; returns the number of subscribers that got it. */
  async publish(channel: string, message: string): Promise<number> {
    return this.withClient((client) => client.publish(channel, message));
  }

  /** Names of all keys that match the pattern. */
  async keys(pattern: string): Promise<string[]> {
    return this.withClient(async (client) => {
      const found: string[] = [];
      for await (const keys of client.scanStream({ match: pattern, count: 1000 })) found.push(...(keys as string[]));
      return [...new Set(found)];
    });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    await this.front?.close();
    this.front = undefined;
    const child = this.process;
    this.process = undefined;
    if (child?.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      // A suspended process handles only SIGKILL.
      child.kill('SIGCONT');
      await ended;
    }
  }
}

async function ownAllSlots(client: Redis): Promise<void> {
  const info = async (): Promise<string> => await client.cluster('INFO');
  // After a restart it still owns the slots.
  if ((await info()).includes('cluster_slots_assigned:0')) await client.call('CLUSTER', 'ADDSLOTSRANGE', 0, SLOTS - 1);
  while (!(await info()).includes('cluster_state:ok')) await setTimeout(10);
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

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
