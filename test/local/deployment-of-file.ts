import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { repositoryRoot } from '../support/servers/server-process';
import { type LocalDeployment, type LocalDeploymentOptions, startLocalDeployment } from './local-deployment';
import { shellEnvironment } from './shell-environment';

/** Claims of an event token, unverified. */
export type Claims = Readonly<Record<string, unknown>>;

type FileOptions = Pick<LocalDeploymentOptions, 'functionVariables' | 'taskVariables' | 'tls' | 's3'>;

const START_MS = 90_000;

/** One deployment for all tests of a file. It closes after each test what the test has opened through it. */
export class DeploymentOfFile {
  /** Claims of every callback that reached the function, in order. */
  readonly callbacks: Claims[] = [];
  /** What tasks and functions have logged. */
  readonly log: string[] = [];
  readonly #clients: RtmpClient[] = [];
  readonly #provoked: RegExp[] = [];
  #deployment: LocalDeployment | undefined;

  private constructor() {}

  /** Call it at the top of a file. */
  static start(options: FileOptions | (() => FileOptions) = {}): DeploymentOfFile {
    const file = new DeploymentOfFile();
    beforeAll(async () => {
      file.#deployment = await startLocalDeployment({
        ...(typeof options === 'function' ? options() : options),
        contained: true,
        log: (line) => file.log.push(line),
        onCallback: ({ headers }) => file.callbacks.push(claimsOf(headers['rtmp-event'] ?? '')),
      });
    }, START_MS);
    afterEach(() => {
      for (const { connection } of file.#clients.splice(0)) connection.socket.destroy();
      // In no test does a task or function of the deployment ask for something that its role is not allowed.
      const provoked = (message: string): boolean => file.#provoked.some((pattern) => pattern.test(message));
      expect(file.deployment.gateway.denied.filter((message) => !provoked(message))).toEqual([]);
    });
    afterAll(async () => {
      await file.#deployment?.stop();
    });
    return file;
  }

  get deployment(): LocalDeployment {
    if (this.#deployment === undefined) throw new Error('the deployment is started before the first test');
    return this.#deployment;
  }

  /** A test asks for something that is denied. */
  provoke(denial: RegExp): void {
    this.#provoked.push(denial);
  }

  /** `rtmps://` is the listener that ends TLS. */
  url(scheme: 'rtmp' | 'rtmps', channel: string, key: string): string {
    return `${scheme}://127.0.0.1:${this.port(scheme)}/${channel}/${key}`;
  }

  port(scheme: 'rtmp' | 'rtmps'): number {
    return this.deployment.balancer.port(scheme === 'rtmp' ? 1935 : 443);
  }

  async connect(channel: string, { tls = true, localAddress = '127.0.0.2' } = {}): Promise<RtmpClient> {
    const { ca } = this.deployment;
    const trusting = tls && { ca: ca.ca, rejectUnauthorized: true };
    const port = this.port(tls ? 'rtmps' : 'rtmp');
    const client = await RtmpClient.connect({ port, app: channel, localAddress, tls: trusting });
    this.#clients.push(client);
    return client;
  }

  async publisher(channel: string, key: string): Promise<RtmpClient> {
    const client = await this.connect(channel);
    await client.publish(key);
    return client;
  }

  /** `npm run keys -- ARGS --json`, as from a terminal with the deployment's variables. */
  async keys(...args: string[]): Promise<Claims> {
    const program = ['--import', 'tsx', 'lambdas/stream-keys/cli.ts', ...args, '--json'];
    const env = { PATH: process.env['PATH'], ...shellEnvironment(this.deployment) };
    const child = spawn(process.execPath, program, { cwd: repositoryRoot, env, stdio: ['ignore', 'pipe', 'inherit'] });
    return JSON.parse(await text(child.stdout)) as Claims;
  }

  /** Callbacks about a channel. */
  callbacksOf(channel: string): Claims[] {
    return this.callbacks.filter((claims) => claims['channel'] === channel);
  }

  /** Waits until the condition holds; its events come from other processes. */
  async until(what: string, isSo: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
    const deadlineMs = Date.now() + timeoutMs;
    while (!(await isSo())) {
      if (Date.now() > deadlineMs)
        throw new Error(`${what}: not within ${timeoutMs} ms\n${this.log.slice(-30).join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function claimsOf(token: string): Claims {
  const [, payload = ''] = token.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
}
